//! What becomes of the tenants that first paid in the same month.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use tollhouse_domain::{
    actor::Permission,
    money::{Amount, Currency},
    revenue::Fact,
    time::Timestamp,
};
use utoipa::ToSchema;

use crate::{
    analytics::series::{Point, Rate, SeriesQuery, amount, read},
    app::App,
    error::{Problem, Result, invalid},
    http::{auth::Caller, extract::Query},
    revenue::days::queries::{CohortMonth, Level, list_cohorts},
};

#[derive(Serialize, ToSchema)]
pub(super) struct Cohorts {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Never added up.
    currencies: Vec<CurrencyCohorts>,
}

#[derive(Serialize, ToSchema)]
struct CurrencyCohorts {
    currency: String,
    cohorts: Vec<Cohort>,
}

/// The tenants that first paid in one month.
#[derive(Serialize, ToSchema)]
struct Cohort {
    #[schema(value_type = String)]
    month: Timestamp,
    /// How many there were.
    tenants: i64,
    /// What they came with.
    #[schema(value_type = f64, example = 290.00)]
    mrr: Amount,
    /// Its own month first, up to the end of the span.
    months: Vec<CohortPoint>,
}

/// What is left of a cohort at the end of a month.
#[derive(Serialize, ToSchema)]
struct CohortPoint {
    #[schema(value_type = String)]
    month: Timestamp,
    tenants: i64,
    #[schema(value_type = f64, example = 261.00)]
    mrr: Amount,
    #[schema(value_type = Option<f64>, example = 0.9000)]
    tenant_retention_rate: Option<Rate>,
    #[schema(value_type = Option<f64>, example = 0.9000)]
    revenue_retention_rate: Option<Rate>,
}

/// What becomes of the tenants that first paid in the same month
#[utoipa::path(get, path = "/api/v1/admin/analytics/cohorts", tag = "analytics", params(SeriesQuery),
    responses((status = 200, body = Cohorts), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn cohorts(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<Cohorts>> {
    caller.require(Permission::ReadAnyTenant)?;
    if query.plan.is_some() {
        return Err(invalid("plan", "must be left out: a cohort is of tenants, whatever they buy"));
    }
    let span = SeriesQuery { group: None, ..query }.span(&app)?;
    let series = read(&app, &span).await?;
    let mut conn = app.db.read().await?;
    let moved = list_cohorts(&mut conn, &span).await?;
    drop(conn);
    let currencies = series.iter().map(|(currency, points)| {
        let of_it: Vec<&CohortMonth> =
            moved.iter().filter(|moved| moved.currency == *currency).collect();
        let begun =
            points.iter().enumerate().filter(|(_, point)| point.sums(Fact::New).tenants > 0);
        CurrencyCohorts {
            currency: currency.code().to_owned(),
            cohorts: begun.map(|(at, _)| Cohort::of(&points[at..], &of_it, *currency)).collect(),
        }
    });
    Ok(Json(Cohorts { from: span.from, to: span.to, currencies: currencies.collect() }))
}

impl Cohort {
    /// That of the first of these months.
    fn of(months: &[Point], moved: &[&CohortMonth], currency: Currency) -> Self {
        let (month, came) = (months[0].from, months[0].sums(Fact::New));
        let mut level = Level::default();
        let mut point = |at: &Point| {
            let of_month =
                moved.iter().filter(|moved| moved.cohort == month && moved.month == at.from);
            for moved in of_month {
                level.tenants += moved.tenants;
                level.mrr += moved.amount;
            }
            CohortPoint {
                month: at.from,
                tenants: level.tenants,
                mrr: amount(level.mrr, currency),
                tenant_retention_rate: Rate::of(level.tenants, came.tenants),
                revenue_retention_rate: Rate::of(level.mrr, came.amount),
            }
        };
        Self {
            month,
            tenants: came.tenants,
            mrr: amount(came.amount, currency),
            months: months.iter().map(&mut point).collect(),
        }
    }
}
