//! Why a line of an invoice says so much: the usage behind it, and what Stripe was told of it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tollhouse_domain::{
    actor::Permission,
    id::{MeterEventId, TenantId},
    plan::Meter,
    price::Price,
    time::Timestamp,
    usage::{Quantity, Window},
};
use utoipa::{IntoParams, ToSchema};

use super::meter_events::MeterEventView;
use crate::{
    app::App,
    catalog::queries as catalog,
    db::{Conn, Page},
    error::{Problem, Result, invalid, not_found},
    export::queries::{self, Told},
    http::{
        auth::Caller,
        extract::{Query, bounded, cursor},
    },
    invoices::{
        actions::get_named,
        parts::{self, Line},
    },
    usage::{billable::queries as billable, queries as rollups},
};

/// More than the hours of a year.
const HOURS_MAX: i64 = 10_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct LineQuery {
    /// `hour` or `day`; `day` where absent
    group: Option<String>,
    /// Of the meter events
    cursor: Option<String>,
    /// Meter events: 1 to 100; 100 where absent
    limit: Option<i64>,
}

/// The usage behind a line of an invoice.
#[derive(Serialize, ToSchema)]
pub struct LineUsage {
    meter: String,
    #[schema(value_type = String)]
    period_start: Timestamp,
    #[schema(value_type = String)]
    period_end: Timestamp,
    /// What the line bills.
    #[schema(value_type = Option<f64>)]
    quantity: Option<Box<RawValue>>,
    /// What Stripe was told of this period: the sum, or of a meter that does not add up where it stood.
    #[schema(value_type = f64)]
    told: Quantity,
    /// Whether both are the same. What a trial or a pause used is told, and not billed.
    agrees: bool,
    /// Of this period, and not at Stripe: on its way, refused or unclear.
    #[schema(value_type = f64)]
    not_told: Quantity,
    /// Oldest first; an hour or a day in which nothing was used is left out.
    usage: Vec<LinePoint>,
    /// What was told, in the order of the moments it was told of.
    meter_events: Page<MeterEventView>,
}

/// What was used in an hour or a day.
#[derive(Serialize, ToSchema)]
struct LinePoint {
    #[schema(value_type = String)]
    start: Timestamp,
    #[schema(value_type = f64)]
    quantity: Quantity,
}

/// The usage behind a line of an invoice
///
/// `invoice_id` is ours or Stripe's, `line_id` Stripe's. A line that counts no meter has none: 404.
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/invoices/{invoice_id}/lines/{line_id}/usage",
    tag = "invoices",
    params(("tenant_id" = String, Path), ("invoice_id" = String, Path), ("line_id" = String, Path), LineQuery),
    responses((status = 200, body = LineUsage), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn usage(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((tenant, invoice, line)): Path<(String, String, String)>,
    Query(query): Query<LineQuery>,
) -> Result<Json<LineUsage>> {
    let id = tenant.parse().map_err(|_| not_found("tenant", &tenant))?;
    let tenant = caller.tenant(id, Permission::Read)?;
    let per = match query.group.as_deref() {
        None | Some("day") => Window::Day,
        Some("hour") => Window::Hour,
        Some(_) => return Err(invalid("group", "must be `hour` or `day`")),
    };
    let limit = bounded(query.limit, 100)?;
    let after: Option<MeterEventId> = cursor(query.cursor.as_deref())?;
    let mut conn = app.db.read().await?;
    let invoice = get_named(&mut conn, tenant, &invoice).await?;
    let found = parts::find_line(&mut conn, invoice.id, &line).await?;
    let row = found.ok_or_else(|| not_found("line", &line))?;
    let meter = meter_of(&mut conn, &row).await?;
    let meter = meter.ok_or_else(|| not_found("metered line", &line))?;
    let (whose, period) = ((tenant, meter.code.as_str()), (row.period_start, row.period_end));
    let told = told(&mut conn, &meter, whose, period).await?;
    let events = queries::page_told(&mut conn, whose, period, after, limit).await?;
    let billed = row.quantity.as_deref().and_then(|text| Quantity::parse(text).ok());
    Ok(Json(LineUsage {
        period_start: row.period_start,
        period_end: row.period_end,
        quantity: row.quantity.and_then(|quantity| RawValue::from_string(quantity).ok()),
        told,
        agrees: billed == Some(told),
        not_told: queries::sum_told(&mut conn, whose, period, Told::NotYet).await?,
        usage: points(&mut conn, &meter, (tenant, period), per).await?,
        meter_events: Page::of(events, limit, |row| row.id.to_string(), MeterEventView::from),
        meter: meter.code,
    }))
}

/// What the line's price counts, where it counts.
async fn meter_of(conn: &mut Conn, line: &Line) -> Result<Option<Meter>> {
    let Some(id) = &line.stripe_price_id else { return Ok(None) };
    let Some(row) = catalog::find_price_by_stripe_id(conn, id).await? else { return Ok(None) };
    let Some(code) = row.definition.to::<Price>()?.meter else { return Ok(None) };
    let meters = catalog::meters(conn).await?;
    let found = meters.into_iter().find(|row| row.code == code);
    Ok(found.map(|row| row.definition.to()).transpose()?)
}

async fn told(
    conn: &mut Conn,
    meter: &Meter,
    whose: (TenantId, &str),
    period: (Timestamp, Timestamp),
) -> Result<Quantity> {
    if meter.aggregation.is_added_up() {
        return Ok(queries::sum_told(conn, whose, period, Told::Yes).await?);
    }
    let last = queries::find_last_sent(conn, whose, period).await?;
    Ok(last.map(|last| last.quantity()).unwrap_or_default())
}

/// What was used in the period, from totals that are kept with every report.
async fn points(
    conn: &mut Conn,
    meter: &Meter,
    (tenant, period): (TenantId, (Timestamp, Timestamp)),
    per: Window,
) -> Result<Vec<LinePoint>> {
    let mut sums: BTreeMap<Timestamp, Quantity> = BTreeMap::new();
    if meter.aggregation.is_added_up() {
        let whose = (tenant, meter.code.as_str());
        for hour in billable::list(conn, whose, period, HOURS_MAX).await? {
            let sum = sums.entry(per.start(hour.starts_at)).or_default();
            *sum = sum.plus(hour.quantity());
        }
    } else {
        let code = Some(meter.code.as_str());
        let from = (per.start(period.0), period.1);
        for row in rollups::series(conn, tenant, per, from, code, HOURS_MAX).await? {
            sums.insert(row.starts_at, row.quantity());
        }
    }
    Ok(sums.into_iter().map(|(start, quantity)| LinePoint { start, quantity }).collect())
}
