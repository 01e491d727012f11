//! What is counted beside MRR: trials, payments that failed and came after all, usage that was invoiced.

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
    error::{Problem, Result},
    http::{auth::Caller, extract::Query},
};

/// What was counted in each day or month, by currency.
#[derive(Serialize, ToSchema)]
pub(super) struct Counts<T> {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Never added up.
    currencies: Vec<CurrencyCounts<T>>,
}

#[derive(Serialize, ToSchema)]
struct CurrencyCounts<T> {
    currency: String,
    points: Vec<T>,
}

async fn count<T>(
    app: &App,
    query: &SeriesQuery,
    of: impl Fn(&Point, Currency) -> T,
) -> Result<Json<Counts<T>>> {
    let span = query.span(app)?;
    let series = read(app, &span).await?;
    let currencies = series.iter().map(|(currency, points)| CurrencyCounts {
        currency: currency.code().to_owned(),
        points: points.iter().map(|point| of(point, *currency)).collect(),
    });
    Ok(Json(Counts { from: span.from, to: span.to, currencies: currencies.collect() }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct TrialsPoint {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    started: i64,
    /// Ended, and the subscription went on.
    converted: i64,
    /// Ended, and it did not, or not yet.
    lost: i64,
    /// The share that went on, of those that ended.
    #[schema(value_type = Option<f64>, example = 0.4200)]
    conversion_rate: Option<Rate>,
}

/// Trials that began, and what became of those that ended
#[utoipa::path(get, path = "/api/v1/admin/analytics/trials", tag = "analytics", params(SeriesQuery),
    responses((status = 200, body = Counts<TrialsPoint>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn trials(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<Counts<TrialsPoint>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let point = |point: &Point, _| {
        let count = |fact: Fact| point.sums(fact).facts;
        let (converted, lost) = (count(Fact::TrialConverted), count(Fact::TrialLost));
        TrialsPoint {
            from: point.from,
            to: point.to,
            started: count(Fact::TrialStarted),
            converted,
            lost,
            conversion_rate: Rate::of(converted, converted + lost),
        }
    };
    count(&app, &query, point).await
}

#[derive(Serialize, ToSchema)]
pub(super) struct PaymentsPoint {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Attempts to collect an invoice.
    failed: i64,
    /// What they asked for, each attempt for itself.
    #[schema(value_type = f64, example = 58.00)]
    failed_amount: Amount,
    /// Invoices that were paid after an attempt had failed.
    recovered: i64,
    #[schema(value_type = f64, example = 29.00)]
    recovered_amount: Amount,
}

/// Payments that failed, and invoices that were paid after all
#[utoipa::path(get, path = "/api/v1/admin/analytics/payments", tag = "analytics", params(SeriesQuery),
    responses((status = 200, body = Counts<PaymentsPoint>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn payments(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<Counts<PaymentsPoint>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let point = |point: &Point, currency| {
        let (failed, recovered) =
            (point.sums(Fact::PaymentFailed), point.sums(Fact::PaymentRecovered));
        PaymentsPoint {
            from: point.from,
            to: point.to,
            failed: failed.facts,
            failed_amount: amount(failed.amount, currency),
            recovered: recovered.facts,
            recovered_amount: amount(recovered.amount, currency),
        }
    };
    count(&app, &query, point).await
}

#[derive(Serialize, ToSchema)]
pub(super) struct UsagePoint {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// What meters counted, on invoices that became final.
    #[schema(value_type = f64, example = 12.50)]
    usage: Amount,
    /// The part that goes beyond what a price includes: that of prices whose first tier is free.
    #[schema(value_type = f64, example = 5.00)]
    overage: Amount,
}

/// Usage and overage on invoices that became final, after discounts and with tax
#[utoipa::path(get, path = "/api/v1/admin/analytics/usage", tag = "analytics", params(SeriesQuery),
    responses((status = 200, body = Counts<UsagePoint>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn usage(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<Counts<UsagePoint>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let point = |point: &Point, currency| UsagePoint {
        from: point.from,
        to: point.to,
        usage: amount(point.sums(Fact::Usage).amount, currency),
        overage: amount(point.sums(Fact::Overage).amount, currency),
    };
    count(&app, &query, point).await
}
