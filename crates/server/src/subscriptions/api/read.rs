//! What a tenant has, in few words.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use tollhouse_domain::{
    access::{Access, access, beside},
    actor::Permission,
    id::SubscriptionId,
    money::{Amount, Currency, Money},
    plan::{FeatureValue, Plan, PlanKind},
    subscription::Status,
    time::Timestamp,
};
use utoipa::ToSchema;

use crate::{
    app::App,
    catalog::{actions::find_free_plan, queries as catalog},
    db::Conn,
    error::{Error, Problem, Result, not_found},
    http::auth::Caller,
    subscriptions::queries::{self, Subscription},
    tenants::{actions as tenants, queries::Tenant},
};

/// Everything a customer's billing page shows first.
#[derive(Serialize, ToSchema)]
pub struct BillingStatus {
    pub has_billing_account: bool,
    pub billing_email: String,
    pub support_tier: String,
    pub sla_level: i64,
    /// Those that grant access.
    pub subscriptions: Vec<GrantingSubscription>,
    /// The slots of each tier; none while no plan has tiers.
    #[schema(value_type = Vec<Object>)]
    pub tier_allocations: Vec<()>,
}

/// A subscription that grants access.
#[derive(Serialize, ToSchema)]
pub struct GrantingSubscription {
    #[schema(value_type = String)]
    pub subscription_id: SubscriptionId,
    /// `MAIN` or `ADDON`
    pub subscription_type: &'static str,
    /// The plan's code.
    pub plan_id: String,
    /// `ACTIVE`, `TRIAL` or `GRACE`
    pub status: &'static str,
    /// The plan's feature `device_limit`; null where it has none.
    pub device_limit: Option<i64>,
    pub active_device_count: i64,
    pub stripe_subscription_id: String,
    /// The base subscription of an add-on.
    #[schema(value_type = Option<String>)]
    pub parent_subscription_id: Option<SubscriptionId>,
    pub description: String,
    #[schema(value_type = String)]
    pub term_start: Timestamp,
    #[schema(value_type = String)]
    pub term_end: Timestamp,
}

/// The subscriptions of the caller's tenant that grant access
#[utoipa::path(get, path = "/api/v1/customer/billing/status", tag = "subscriptions",
    responses((status = 200, body = BillingStatus), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn status(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<BillingStatus>> {
    let tenant = tenants::get(&app, caller.own_tenant(Permission::Read)?).await?;
    let mut conn = app.db.read().await?;
    let live = queries::list_live(&mut conn, tenant.id).await?;
    let base = live.iter().find(|row| row.kind == PlanKind::Base).cloned();
    let mut subscriptions = Vec::new();
    for row in live {
        let access = access_of(&app, &tenant, &row, base.as_ref());
        let Some(word) = status_word(row.status, access) else { continue };
        let plan = plan_of(&mut conn, &row).await?;
        let is_base = row.kind == PlanKind::Base;
        subscriptions.push(GrantingSubscription {
            subscription_id: row.id,
            subscription_type: if is_base { "MAIN" } else { "ADDON" },
            plan_id: row.plan_code,
            status: word,
            device_limit: match plan.features.get("device_limit") {
                Some(FeatureValue::Number(limit)) => Some(*limit),
                _ => None,
            },
            active_device_count: 0,
            stripe_subscription_id: row.stripe_subscription_id.to_string(),
            parent_subscription_id: row.parent_id,
            description: plan.name,
            term_start: row.period_start,
            term_end: row.period_end,
        });
    }
    Ok(Json(BillingStatus {
        has_billing_account: tenant.stripe_customer_id.is_some(),
        billing_email: tenant.email().to_owned(),
        support_tier: tenant.support_tier,
        sla_level: tenant.sla_level,
        subscriptions,
        tier_allocations: Vec::new(),
    }))
}

fn status_word(status: Status, access: Access) -> Option<&'static str> {
    match (access, status) {
        (Access::None, _) => None,
        (Access::Grace { .. }, _) => Some("GRACE"),
        (Access::Full, Status::Trialing) => Some("TRIAL"),
        (Access::Full, _) => Some("ACTIVE"),
    }
}

/// What a subscription grants now; an add-on no more than its base.
pub(super) fn access_of(
    app: &App,
    tenant: &Tenant,
    row: &Subscription,
    base: Option<&Subscription>,
) -> Access {
    let grace_days = app.config.billing.grace_period_days;
    let in_good_standing = tenant.status.is_in_good_standing();
    let own = |row: &Subscription| {
        access(row.status, row.grace_started_at, grace_days, in_good_standing, app.clock.now())
    };
    match (row.kind, base) {
        (PlanKind::Base, _) => own(row),
        (PlanKind::Addon, Some(base)) => beside(own(base), own(row)),
        (PlanKind::Addon, None) => Access::None,
    }
}

pub(super) async fn plan_of(conn: &mut Conn, row: &Subscription) -> Result<Plan> {
    let plan = catalog::find_plan(conn, &row.plan_code, row.plan_version).await?;
    let plan = plan.ok_or_else(|| not_found("plan", &row.plan_code))?;
    Ok(plan.definition.to()?)
}

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
