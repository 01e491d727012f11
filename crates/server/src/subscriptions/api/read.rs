//! What a tenant has, in few words.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use tollhouse_domain::{
    actor::Permission,
    money::{Amount, Currency, Money},
    plan::Plan,
    time::Timestamp,
};
use utoipa::ToSchema;

use crate::{
    app::App,
    catalog::{actions::find_free_plan, queries as catalog},
    db::Conn,
    error::{Error, Problem, Result, not_found},
    http::auth::Caller,
    subscriptions::{
        actions::plan_of,
        queries::{self, Subscription},
    },
    tenants::actions as tenants,
};

/// A subscription in a few words; without one, the free tier.
#[derive(Serialize, ToSchema)]
pub struct BriefSubscription {
    pub tier: String,
    /// Stripe's word; `active` for the free tier.
    pub status: String,
    #[schema(value_type = Option<String>)]
    pub current_period_start: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    pub current_period_end: Option<Timestamp>,
    pub cancel_at_period_end: bool,
    /// Major units, for one interval.
    #[schema(value_type = f64, example = 29.00)]
    pub amount: Amount,
    /// `month`, `year` …; null for the free tier.
    pub interval: Option<String>,
    pub currency: String,
}

/// The subscription of the caller's tenant, in brief
#[utoipa::path(get, path = "/api/v1/billing/subscription", tag = "subscriptions",
    responses((status = 200, body = BriefSubscription), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn brief(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<BriefSubscription>> {
    let tenant = tenants::get(&app, caller.own_tenant(Permission::Read)?).await?;
    let mut conn = app.db.read().await?;
    let Some(row) = queries::find_live_base(&mut conn, tenant.id).await? else {
        return Ok(Json(free_tier(&mut conn).await?));
    };
    let plan = plan_of(&mut conn, &row).await?;
    let price = price_of(&mut conn, &row).await?;
    Ok(Json(BriefSubscription {
        tier: plan.tier().to_owned(),
        status: row.status.as_str().to_owned(),
        current_period_start: Some(row.period_start),
        current_period_end: Some(row.period_end),
        cancel_at_period_end: row.cancel_at.is_some_and(|end| end == row.period_end),
        amount: Amount(row.money()),
        interval: Some(price.interval.as_str().to_owned()),
        currency: row.currency.code().to_owned(),
    }))
}

async fn free_tier(conn: &mut Conn) -> Result<BriefSubscription> {
    let plan = find_free_plan(conn).await?;
    let usd = Currency::new("usd").map_err(|error| Error::Internal(error.into()))?;
    Ok(BriefSubscription {
        tier: plan.as_ref().map_or("free", Plan::tier).to_owned(),
        status: "active".to_owned(),
        current_period_start: None,
        current_period_end: None,
        cancel_at_period_end: false,
        amount: Amount(Money::zero(usd)),
        interval: None,
        currency: usd.code().to_owned(),
    })
}

pub(super) async fn price_of(conn: &mut Conn, row: &Subscription) -> Result<catalog::PriceRow> {
    let prices = catalog::prices_of(conn, &row.plan_code, row.plan_version).await?;
    let price = prices.into_iter().find(|price| price.lookup_key == row.price_lookup_key);
    price.ok_or_else(|| not_found("price", &row.price_lookup_key))
}
