//! MRR and ARR over time, and what moved them.

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
    analytics::series::{Point, SeriesQuery, amount, read},
    app::App,
    error::{Problem, Result},
    http::{auth::Caller, extract::Query},
    revenue::days::queries::{Opening, plans_before},
};

/// MRR over time.
#[derive(Serialize, ToSchema)]
pub(super) struct Mrr {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Never added up.
    currencies: Vec<CurrencyMrr>,
}

#[derive(Serialize, ToSchema)]
struct CurrencyMrr {
    currency: String,
    /// At the end of the span.
    #[serde(flatten)]
    level: LevelView,
    /// At the end of the span; they sum to the whole.
    by_plan: Vec<PlanMrr>,
    points: Vec<MrrPoint>,
}

#[derive(Serialize, ToSchema)]
struct LevelView {
    #[schema(value_type = f64, example = 4900.00)]
    mrr: Amount,
    /// Twelve times as much.
    #[schema(value_type = f64, example = 58800.00)]
    arr: Amount,
    /// Those that pay something.
    tenants: i64,
    /// Those that count for something.
    subscriptions: i64,
}

#[derive(Serialize, ToSchema)]
struct PlanMrr {
    plan: String,
    #[schema(value_type = f64, example = 2900.00)]
    mrr: Amount,
    #[schema(value_type = f64, example = 34800.00)]
    arr: Amount,
    subscriptions: i64,
}

#[derive(Serialize, ToSchema)]
struct MrrPoint {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// At the end of it.
    #[serde(flatten)]
    level: LevelView,
}

/// MRR and ARR at the end of each day or month, and by plan
#[utoipa::path(get, path = "/api/v1/admin/analytics/mrr", tag = "analytics", params(SeriesQuery),
    responses((status = 200, body = Mrr), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn mrr(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<Mrr>> {
    caller.require(Permission::ReadAnyTenant)?;
    let span = query.span(&app)?;
    let series = read(&app, &span).await?;
    let mut conn = app.db.read().await?;
    let plans = plans_before(&mut conn, &span, span.to).await?;
    drop(conn);
    let currencies = series.iter().map(|(currency, points)| {
        let of_it = plans.iter().filter(|plan| plan.currency == *currency);
        let level = points.last().map(|point| point.closing).unwrap_or_default();
        CurrencyMrr {
            currency: currency.code().to_owned(),
            level: LevelView::of(level, *currency),
            by_plan: of_it.map(|plan| PlanMrr::of(plan, *currency)).collect(),
            points: points.iter().map(|point| MrrPoint::of(point, *currency)).collect(),
        }
    });
    Ok(Json(Mrr { from: span.from, to: span.to, currencies: currencies.collect() }))
}

impl LevelView {
    fn of(level: crate::revenue::days::queries::Level, currency: Currency) -> Self {
        Self {
            mrr: amount(level.mrr, currency),
            arr: amount(level.mrr * 12, currency),
            tenants: level.tenants,
            subscriptions: level.subscriptions,
        }
    }
}

impl PlanMrr {
    fn of(plan: &Opening, currency: Currency) -> Self {
        let level = plan.level();
        Self {
            plan: plan.plan_code.clone(),
            mrr: amount(level.mrr, currency),
            arr: amount(level.mrr * 12, currency),
            subscriptions: level.subscriptions,
        }
    }
}

impl MrrPoint {
    fn of(point: &Point, currency: Currency) -> Self {
        Self { from: point.from, to: point.to, level: LevelView::of(point.closing, currency) }
    }
}

/// What moved MRR: in each part `opening` + `new` + `expansion` − `contraction` − `churn` + `reactivation` +
/// `transferred` is `closing`.
#[derive(Serialize, ToSchema)]
pub(super) struct Movements {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Never added up.
    currencies: Vec<CurrencyMovements>,
}

#[derive(Serialize, ToSchema)]
struct CurrencyMovements {
    currency: String,
    points: Vec<MovementsPoint>,
}

#[derive(Serialize, ToSchema)]
struct MovementsPoint {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    #[schema(value_type = f64, example = 4900.00)]
    opening: Amount,
    #[schema(value_type = f64, example = 290.00)]
    new: Amount,
    #[schema(value_type = f64, example = 29.00)]
    expansion: Amount,
    #[schema(value_type = f64, example = 0.00)]
    contraction: Amount,
    #[schema(value_type = f64, example = 29.00)]
    churn: Amount,
    #[schema(value_type = f64, example = 0.00)]
    reactivation: Amount,
    /// What came from other plans, less what went to them; nothing where all plans are asked for.
    #[schema(value_type = f64, example = 0.00)]
    transferred: Amount,
    #[schema(value_type = f64, example = 290.00)]
    change: Amount,
    #[schema(value_type = f64, example = 5190.00)]
    closing: Amount,
    new_tenants: i64,
    churned_tenants: i64,
    reactivated_tenants: i64,
}

/// What moved MRR, by day or month; it sums to the change to the cent
#[utoipa::path(get, path = "/api/v1/admin/analytics/movements", tag = "analytics", params(SeriesQuery),
    responses((status = 200, body = Movements), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn movements(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<Movements>> {
    caller.require(Permission::ReadAnyTenant)?;
    let span = query.span(&app)?;
    let series = read(&app, &span).await?;
    let currencies = series.iter().map(|(currency, points)| CurrencyMovements {
        currency: currency.code().to_owned(),
        points: points.iter().map(|point| MovementsPoint::of(point, *currency)).collect(),
    });
    Ok(Json(Movements { from: span.from, to: span.to, currencies: currencies.collect() }))
}

impl MovementsPoint {
    fn of(point: &Point, currency: Currency) -> Self {
        let moved = |fact: Fact| amount(point.sums(fact).amount, currency);
        let lost = |fact: Fact| amount(-point.sums(fact).amount, currency);
        Self {
            from: point.from,
            to: point.to,
            opening: amount(point.opening.mrr, currency),
            new: moved(Fact::New),
            expansion: moved(Fact::Expansion),
            contraction: lost(Fact::Contraction),
            churn: lost(Fact::Churn),
            reactivation: moved(Fact::Reactivation),
            transferred: moved(Fact::Transfer),
            change: amount(point.closing.mrr - point.opening.mrr, currency),
            closing: amount(point.closing.mrr, currency),
            new_tenants: point.sums(Fact::New).tenants,
            churned_tenants: -point.sums(Fact::Churn).tenants,
            reactivated_tenants: point.sums(Fact::Reactivation).tenants,
        }
    }
}
