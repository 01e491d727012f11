//! What the next renewals are to bring.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    money::{Amount, Currency},
    time::Timestamp,
    usage::Window,
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    analytics::series::{amount, currency},
    app::App,
    error::{Problem, Result, invalid},
    http::{auth::Caller, extract::Query},
    revenue::queries::{RenewalDay, list_renewals},
};

const DAYS_DEFAULT: i64 = 30;
const DAYS_MAX: i64 = 366;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ForecastQuery {
    /// Today and so many days after it, 1 to 366; 30 where absent
    within_days: Option<i64>,
    /// One currency alone
    currency: Option<String>,
    /// One plan alone, by its code
    plan: Option<String>,
}

/// What is to be paid if all goes on as it is: after discounts, before tax and usage. What is to end is left out.
#[derive(Serialize, ToSchema)]
pub(super) struct Forecast {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Never added up.
    currencies: Vec<CurrencyForecast>,
}

#[derive(Serialize, ToSchema)]
struct CurrencyForecast {
    currency: String,
    renewals: i64,
    #[schema(value_type = f64, example = 2900.00)]
    amount: Amount,
    /// Those on which something renews.
    days: Vec<ForecastDay>,
}

#[derive(Serialize, ToSchema)]
struct ForecastDay {
    #[schema(value_type = String)]
    day: Timestamp,
    renewals: i64,
    #[schema(value_type = f64, example = 290.00)]
    amount: Amount,
}

/// What the next renewals are to bring, day by day
#[utoipa::path(get, path = "/api/v1/admin/analytics/renewals", tag = "analytics", params(ForecastQuery),
    responses((status = 200, body = Forecast), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn renewals(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ForecastQuery>,
) -> Result<Json<Forecast>> {
    caller.require(Permission::ReadAnyTenant)?;
    let days = query.within_days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(invalid("within_days", format!("must be from 1 to {DAYS_MAX}")));
    }
    let wanted = currency(query.currency.as_deref())?;
    let from = Window::Day.start(app.clock.now());
    let to = from.plus_days(days + 1);
    let mut conn = app.db.read().await?;
    let rows = list_renewals(&mut conn, (from, to), wanted, query.plan.as_deref()).await?;
    drop(conn);
    let mut by_currency: BTreeMap<Currency, Vec<RenewalDay>> = BTreeMap::new();
    for row in rows {
        by_currency.entry(row.currency).or_default().push(row);
    }
    let currencies = by_currency.into_iter().map(|(currency, days)| CurrencyForecast {
        currency: currency.code().to_owned(),
        renewals: days.iter().map(|day| day.renewals).sum(),
        amount: amount(days.iter().map(|day| day.amount).sum(), currency),
        days: days.iter().map(|day| ForecastDay::of(day, currency)).collect(),
    });
    Ok(Json(Forecast { from, to, currencies: currencies.collect() }))
}

impl ForecastDay {
    fn of(row: &RenewalDay, currency: Currency) -> Self {
        Self { day: row.day, renewals: row.renewals, amount: amount(row.amount, currency) }
    }
}
