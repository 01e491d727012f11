//! Usage over time, for plots: read from roll-ups, however many reports are behind them.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    time::Timestamp,
    usage::{Quantity, Window},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    catalog::queries as catalog,
    error::{Problem, Result, invalid},
    http::{
        auth::Caller,
        extract::{Query, TenantPath, moment},
    },
    tenants::actions as tenants,
    usage::{actions::unknown_meter, queries},
};

const ROWS_MAX: i64 = 10_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesQuery {
    /// From the window that this moment is in; a day, 30 days or a year before `to` where absent
    from: Option<String>,
    /// Until windows that begin before this moment; now where absent
    to: Option<String>,
    /// `hour` (31 days at most), `day` (366 days), `month` or `period` (ten years); `day` where absent
    group: Option<String>,
    /// Only this meter
    meter: Option<String>,
}

/// Usage over time.
#[derive(Serialize, ToSchema)]
pub struct UsageSeries {
    group: &'static str,
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Oldest first. A window in which nothing was reported is left out.
    data: Vec<UsagePoint>,
}

/// A meter in one window.
#[derive(Serialize, ToSchema)]
struct UsagePoint {
    meter: String,
    /// When the window begins.
    #[schema(value_type = String)]
    start: Timestamp,
    #[schema(value_type = f64)]
    quantity: Quantity,
    /// How many reports it comes of.
    events: i64,
    /// Of a billing period: the part that came too late for its own period and counts in this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    adjustment: Option<Quantity>,
}

/// Usage of a tenant over time
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/usage", tag = "usage",
    params(("tenant_id" = String, Path), SeriesQuery),
    responses((status = 200, body = UsageSeries), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn series(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<UsageSeries>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    let asked = Asked::of(&query, app.clock.now())?;
    let mut conn = app.db.read().await?;
    let meter = query.meter.as_deref();
    if let Some(code) = meter {
        let known = catalog::meters(&mut conn).await?;
        if !known.iter().any(|row| row.code == code) {
            return Err(invalid("meter", unknown_meter(code)));
        }
    }
    let range = (asked.from, asked.to);
    let rows = queries::series(&mut conn, tenant.id, asked.per, range, meter, ROWS_MAX + 1).await?;
    if i64::try_from(rows.len()).is_ok_and(|rows| rows > ROWS_MAX) {
        return Err(invalid(
            "meter",
            "must be given for so long a time: it is too much for one answer",
        ));
    }
    let late = if asked.per == Window::Period {
        let per = Window::Adjustment;
        queries::series(&mut conn, tenant.id, per, range, meter, ROWS_MAX).await?
    } else {
        Vec::new()
    };
    let late: HashMap<(Timestamp, &str), Quantity> =
        late.iter().map(|row| ((row.starts_at, row.meter.as_str()), row.quantity())).collect();
    let data = rows
        .iter()
        .map(|row| UsagePoint {
            meter: row.meter.clone(),
            start: row.starts_at,
            quantity: row.quantity(),
            events: row.events,
            adjustment: late.get(&(row.starts_at, row.meter.as_str())).copied(),
        })
        .collect();
    let Asked { per, from, to } = asked;
    Ok(Json(UsageSeries { group: per.as_str(), from, to, data }))
}

/// Which windows are asked for.
struct Asked {
    per: Window,
    from: Timestamp,
    to: Timestamp,
}

impl Asked {
    fn of(query: &SeriesQuery, now: Timestamp) -> Result<Self> {
        let (per, default_days, days_max) = match query.group.as_deref() {
            Some("hour") => (Window::Hour, 1, 31),
            None | Some("day") => (Window::Day, 30, 366),
            Some("month") => (Window::Month, 365, 3660),
            Some("period") => (Window::Period, 365, 3660),
            Some(_) => {
                return Err(invalid("group", "must be one of `hour`, `day`, `month`, `period`"));
            }
        };
        let to = moment("to", query.to.as_deref())?.unwrap_or_else(|| now.plus_seconds(1));
        let from = moment("from", query.from.as_deref())?;
        let from = from.unwrap_or_else(|| to.plus_days(-default_days));
        if from > to {
            return Err(invalid("from", "must not be after `to`"));
        }
        if to > from.plus_days(days_max) {
            let message = format!("must be at most {days_max} days before `to` in this group");
            return Err(invalid("from", message));
        }
        Ok(Self { per, from: per.start(from), to })
    }
}
