//! What a tenant has, in the words of three systems.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use tollhouse_domain::{
    access::{Access, access},
    actor::Permission,
    id::{SubscriptionId, TenantId},
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
    http::{auth::Caller, extract::TenantPath},
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
    let parent = live.iter().find(|row| row.kind == PlanKind::Base).map(|row| row.id);
    let mut subscriptions = Vec::new();
    for row in live {
        let Some(word) = status_word(row.status, access_of(&app, &tenant, &row)) else { continue };
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
            parent_subscription_id: parent.filter(|_| !is_base),
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

fn access_of(app: &App, tenant: &Tenant, row: &Subscription) -> Access {
    let grace_days = app.config.billing.grace_period_days;
    let in_good_standing = tenant.status.is_in_good_standing();
    access(row.status, row.grace_started_at, grace_days, in_good_standing, app.clock.now())
}

async fn plan_of(conn: &mut Conn, row: &Subscription) -> Result<Plan> {
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

async fn price_of(conn: &mut Conn, row: &Subscription) -> Result<catalog::PriceRow> {
    let prices = catalog::prices_of(conn, &row.plan_code, row.plan_version).await?;
    let price = prices.into_iter().find(|price| price.lookup_key == row.price_lookup_key);
    price.ok_or_else(|| not_found("price", &row.price_lookup_key))
}

/// A subscription in full.
#[derive(Serialize, ToSchema)]
pub struct FullSubscription {
    #[schema(value_type = String)]
    pub id: SubscriptionId,
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    pub stripe_subscription_id: String,
    pub plan: PlanBrief,
    pub price_id: Option<String>,
    pub price_lookup_key: String,
    pub seats: i64,
    /// Stripe's eight words.
    pub status: String,
    /// `full`, `grace` or `none`
    pub access: &'static str,
    /// When grace ends, or the period or the subscription.
    #[schema(value_type = Option<String>)]
    pub access_until: Option<Timestamp>,
    /// Major units, for one interval.
    #[schema(value_type = f64, example = 29.00)]
    pub amount: Amount,
    pub currency: String,
    pub interval: String,
    pub interval_count: i64,
    #[schema(value_type = String)]
    pub current_period_start: Timestamp,
    #[schema(value_type = String)]
    pub current_period_end: Timestamp,
    #[schema(value_type = Option<String>)]
    pub trial_end: Option<Timestamp>,
    /// Off when an end is set, in either of Stripe's ways.
    pub auto_renew: bool,
    #[schema(value_type = Option<String>)]
    pub cancel_at: Option<Timestamp>,
    #[schema(value_type = String)]
    pub started_at: Timestamp,
}

/// The plan and version a subscription is locked to.
#[derive(Serialize, ToSchema)]
pub struct PlanBrief {
    pub code: String,
    pub version: i64,
    pub name: String,
    pub tier: String,
}

/// The subscription of a tenant, in full
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/subscription", tag = "subscriptions",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = FullSubscription), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn full(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
) -> Result<Json<FullSubscription>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    let mut conn = app.db.read().await?;
    let row = queries::find_live_base(&mut conn, tenant.id).await?;
    let row = row.ok_or_else(|| not_found("subscription of tenant", tenant.id))?;
    // `full_view` takes a connection of its own; whoever holds one while waiting for another can wait for ever.
    drop(conn);
    Ok(Json(full_view(&app, &tenant, row).await?))
}

/// Everything there is to say about a subscription.
pub(super) async fn full_view(
    app: &App,
    tenant: &Tenant,
    row: Subscription,
) -> Result<FullSubscription> {
    let mut conn = app.db.read().await?;
    let plan = plan_of(&mut conn, &row).await?;
    let price = price_of(&mut conn, &row).await?;
    let access = access_of(app, tenant, &row);
    let access_until = match access {
        Access::Grace { until } => Some(until),
        Access::Full => Some(row.cancel_at.unwrap_or(row.period_end)),
        Access::None => None,
    };
    Ok(FullSubscription {
        amount: Amount(row.money()),
        id: row.id,
        tenant_id: row.tenant_id,
        stripe_subscription_id: row.stripe_subscription_id.to_string(),
        plan: PlanBrief {
            tier: plan.tier().to_owned(),
            code: plan.code,
            version: row.plan_version,
            name: plan.name,
        },
        price_id: price.stripe_price_id.map(|id| id.to_string()),
        price_lookup_key: price.lookup_key,
        seats: row.quantity,
        status: row.status.as_str().to_owned(),
        access: access.as_str(),
        access_until,
        currency: row.currency.code().to_owned(),
        interval: price.interval.as_str().to_owned(),
        interval_count: price.interval_count,
        current_period_start: row.period_start,
        current_period_end: row.period_end,
        trial_end: row.trial_end,
        auto_renew: row.cancel_at.is_none(),
        cancel_at: row.cancel_at,
        started_at: row.started_at,
    })
}
