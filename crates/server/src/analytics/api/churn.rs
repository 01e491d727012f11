//! Who leaves, and what a tenant is worth until then.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use tollhouse_domain::{
    actor::Permission,
    money::{Amount, Currency},
    revenue::Fact,
    rounding::fraction_of,
    time::Timestamp,
};
use utoipa::ToSchema;

use crate::{
    analytics::series::{Point, Rate, SeriesQuery, amount, read},
    app::App,
    error::{Problem, Result},
    http::{auth::Caller, extract::Query},
};

/// Who left. Rates are shares of what there was at the start of the day or month; null where there was nothing.
#[derive(Serialize, ToSchema)]
pub(super) struct Churn {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Never added up.
    currencies: Vec<CurrencyChurn>,
}

#[derive(Serialize, ToSchema)]
struct CurrencyChurn {
    currency: String,
    points: Vec<ChurnPoint>,
}

#[derive(Serialize, ToSchema)]
struct ChurnPoint {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    tenants_at_start: i64,
    tenants_lost: i64,
    #[schema(value_type = Option<f64>, example = 0.0312)]
    tenant_churn_rate: Option<Rate>,
    subscriptions_at_start: i64,
    subscriptions_lost: i64,
    #[schema(value_type = Option<f64>, example = 0.0312)]
    subscription_churn_rate: Option<Rate>,
    #[schema(value_type = f64, example = 4900.00)]
    mrr_at_start: Amount,
    /// By tenants that left.
    #[schema(value_type = f64, example = 29.00)]
    mrr_lost: Amount,
    /// By tenants that stayed.
    #[schema(value_type = f64, example = 10.00)]
    mrr_contracted: Amount,
    /// Of both.
    #[schema(value_type = Option<f64>, example = 0.0080)]
    revenue_churn_rate: Option<Rate>,
    /// What is left of the MRR at the start, with what those tenants pay more.
    #[schema(value_type = Option<f64>, example = 1.0120)]
    net_retention_rate: Option<Rate>,
}

/// Tenants, subscriptions and MRR that were lost, by day or month
#[utoipa::path(get, path = "/api/v1/admin/analytics/churn", tag = "analytics", params(SeriesQuery),
    responses((status = 200, body = Churn), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn churn(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<Churn>> {
    caller.require(Permission::ReadAnyTenant)?;
    let span = query.span(&app)?;
    let series = read(&app, &span).await?;
    let currencies = series.iter().map(|(currency, points)| CurrencyChurn {
        currency: currency.code().to_owned(),
        points: points.iter().map(|point| ChurnPoint::of(point, *currency)).collect(),
    });
    Ok(Json(Churn { from: span.from, to: span.to, currencies: currencies.collect() }))
}

impl ChurnPoint {
    fn of(point: &Point, currency: Currency) -> Self {
        let (left, less) = (point.sums(Fact::Churn), point.sums(Fact::Contraction));
        let more = point.sums(Fact::Expansion);
        let start = point.opening;
        let (tenants, subscriptions) = (-left.tenants, -left.subscriptions - less.subscriptions);
        let lost = -left.amount - less.amount;
        Self {
            from: point.from,
            to: point.to,
            tenants_at_start: start.tenants,
            tenants_lost: tenants,
            tenant_churn_rate: Rate::of(tenants, start.tenants),
            subscriptions_at_start: start.subscriptions,
            subscriptions_lost: subscriptions,
            subscription_churn_rate: Rate::of(subscriptions, start.subscriptions),
            mrr_at_start: amount(start.mrr, currency),
            mrr_lost: amount(-left.amount, currency),
            mrr_contracted: amount(-less.amount, currency),
            revenue_churn_rate: Rate::of(lost, start.mrr),
            net_retention_rate: Rate::of(start.mrr - lost + more.amount, start.mrr),
        }
    }
}

/// What a tenant is worth: its average MRR over the share of tenants that leaves in a month.
#[derive(Serialize, ToSchema)]
pub(super) struct LifetimeValues {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Never added up.
    currencies: Vec<TenantWorth>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LifetimeValue)]
struct TenantWorth {
    currency: String,
    /// At the end of the span.
    #[schema(value_type = f64, example = 4900.00)]
    mrr: Amount,
    /// Those that pay, at the end of the span.
    tenants: i64,
    /// Null where none pays.
    #[schema(value_type = Option<f64>, example = 49.00)]
    average_mrr: Option<Amount>,
    /// The average over the days or months of the span, each weighted with its tenants.
    #[schema(value_type = Option<f64>, example = 0.0312)]
    churn_rate: Option<Rate>,
    /// Null where nobody left: there is nothing to tell it by.
    #[schema(value_type = Option<f64>, example = 1570.51)]
    lifetime_value: Option<Amount>,
}

/// What a tenant is worth until it leaves
#[utoipa::path(get, path = "/api/v1/admin/analytics/ltv", tag = "analytics", params(SeriesQuery),
    responses((status = 200, body = LifetimeValues), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn ltv(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<LifetimeValues>> {
    caller.require(Permission::ReadAnyTenant)?;
    // A rate of a month, whatever was asked for.
    let span = SeriesQuery { group: None, ..query }.span(&app)?;
    let series = read(&app, &span).await?;
    let currencies = series.iter().map(|(currency, points)| TenantWorth::of(points, *currency));
    Ok(Json(LifetimeValues { from: span.from, to: span.to, currencies: currencies.collect() }))
}

impl TenantWorth {
    fn of(points: &[Point], currency: Currency) -> Self {
        let end = points.last().map(|point| point.closing).unwrap_or_default();
        let at_start: i64 = points.iter().map(|point| point.opening.tenants).sum();
        let lost: i64 = points.iter().map(|point| -point.sums(Fact::Churn).tenants).sum();
        let shown = |minor: i64| amount(minor, currency);
        Self {
            currency: currency.code().to_owned(),
            mrr: shown(end.mrr),
            tenants: end.tenants,
            average_mrr: fraction_of(end.mrr, 1, end.tenants).map(shown),
            churn_rate: Rate::of(lost, at_start),
            // (MRR ÷ tenants) ÷ (lost ÷ at the start), rounded once.
            lifetime_value: fraction_of(end.mrr, at_start, end.tenants.saturating_mul(lost))
                .map(shown),
        }
    }
}
