//! `GET /api/v1/customer/billing/status`: what grants access, and the slots that come with it.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use tollhouse_domain::{
    access::Access,
    actor::Permission,
    id::SubscriptionId,
    plan::{FeatureValue, PlanKind},
    subscription::Status,
    time::Timestamp,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::{Problem, Result},
    http::auth::Caller,
    slots::actions::{Allocation, allocations},
    subscriptions::{
        actions::{Granting, granting},
        queries as subscriptions,
    },
    tenants::actions as tenants,
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(status))
}

/// Everything a customer's billing page shows first.
#[derive(Serialize, ToSchema)]
pub struct BillingStatus {
    pub has_billing_account: bool,
    pub billing_email: String,
    pub support_tier: String,
    pub sla_level: i64,
    /// Those that grant access.
    pub subscriptions: Vec<GrantingSubscription>,
    /// The slots of each tier, subscription by subscription.
    pub tier_allocations: Vec<TierAllocation>,
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
    /// The plan's feature `device_limit`; the sum of its slots where it has no such feature; null where it
    /// has neither.
    pub device_limit: Option<i64>,
    /// The slots in use that count against this subscription.
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

/// How the slots of one tier stand with one subscription. Slots in use fill the base subscription first,
/// then its add-ons; those beyond every limit count against the first.
#[derive(Serialize, ToSchema)]
pub struct TierAllocation {
    /// Null for the slots of the free plan, and while nothing grants access.
    #[schema(value_type = Option<String>)]
    pub subscription_id: Option<SubscriptionId>,
    /// The tier's code.
    pub tier_id: String,
    pub tier_name: String,
    pub tier_display_name: String,
    /// 0 for a tier that nothing grants any more, while slots of it are held.
    pub slot_limit: i64,
    pub slots_used: i64,
    pub slots_available: i64,
}

impl From<Allocation> for TierAllocation {
    fn from(allocation: Allocation) -> Self {
        Self {
            subscription_id: allocation.subscription,
            tier_id: allocation.tier,
            tier_name: allocation.name,
            tier_display_name: allocation.display_name,
            slot_limit: shown(allocation.limit),
            slots_used: shown(allocation.used),
            slots_available: shown(allocation.limit.saturating_sub(allocation.used)),
        }
    }
}

fn shown(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The subscriptions of the caller's tenant that grant access, and their slots
#[utoipa::path(get, path = "/api/v1/customer/billing/status", tag = "subscriptions",
    responses((status = 200, body = BillingStatus), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
async fn status(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<BillingStatus>> {
    let tenant = tenants::get(&app, caller.own_tenant(Permission::Read)?).await?;
    let mut conn = app.db.read().await?;
    let granting = granting(&app, &mut conn, &tenant).await?;
    let allocations = allocations(&mut conn, &tenant, &granting).await?;
    let base = subscriptions::find_live_base(&mut conn, tenant.id).await?.map(|base| base.id);
    let of = |granting| shown_subscription(granting, base, &allocations);
    let subscriptions = granting.into_iter().map(of).collect();
    Ok(Json(BillingStatus {
        has_billing_account: tenant.stripe_customer_id.is_some(),
        billing_email: tenant.email().to_owned(),
        support_tier: tenant.support_tier,
        sla_level: tenant.sla_level,
        subscriptions,
        tier_allocations: allocations.into_iter().map(TierAllocation::from).collect(),
    }))
}

fn shown_subscription(
    granting: Granting,
    base: Option<SubscriptionId>,
    allocations: &[Allocation],
) -> GrantingSubscription {
    let Granting { row, plan, access } = granting;
    let own: Vec<&Allocation> =
        allocations.iter().filter(|allocation| allocation.subscription == Some(row.id)).collect();
    let is_base = row.kind == PlanKind::Base;
    GrantingSubscription {
        subscription_id: row.id,
        subscription_type: if is_base { "MAIN" } else { "ADDON" },
        plan_id: row.plan_code,
        status: status_word(row.status, access),
        device_limit: match plan.features.get("device_limit") {
            Some(FeatureValue::Number(limit)) => Some(*limit),
            _ if plan.slots.is_empty() => None,
            _ => Some(shown(own.iter().fold(0, |sum, of| sum.saturating_add(of.limit)))),
        },
        active_device_count: shown(own.iter().map(|of| of.used).sum()),
        stripe_subscription_id: row.stripe_subscription_id.to_string(),
        parent_subscription_id: base.filter(|_| !is_base),
        description: plan.name,
        term_start: row.period_start,
        term_end: row.period_end,
    }
}

/// Of a subscription that grants access.
fn status_word(status: Status, access: Access) -> &'static str {
    match (access, status) {
        (Access::Grace { .. }, _) => "GRACE",
        (_, Status::Trialing) => "TRIAL",
        _ => "ACTIVE",
    }
}
