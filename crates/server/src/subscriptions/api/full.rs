//! A subscription in full: terms, dates, access, what waits, add-ons, card.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::value::RawValue;
use tollhouse_domain::{
    access::Access,
    actor::Permission,
    id::{SubscriptionId, TenantId},
    money::{Amount, Currency, Money},
    plan::PlanKind,
    subscription::PendingChange,
    time::Timestamp,
};
use tollhouse_stripe::objects;
use utoipa::ToSchema;

use super::read::price_of;
use crate::{
    app::App,
    error::{Error, Problem, Result, not_found},
    http::{auth::Caller, extract::TenantPath},
    subscriptions::{
        actions::{access_of, plan_of},
        queries::{self, Subscription},
    },
    tenants::{actions as tenants, queries::Tenant},
};

/// A subscription in full.
#[derive(Serialize, ToSchema)]
pub struct FullSubscription {
    #[schema(value_type = String)]
    pub id: SubscriptionId,
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    pub stripe_subscription_id: String,
    /// `base` or `addon`
    pub kind: &'static str,
    /// The base subscription of an add-on.
    #[schema(value_type = Option<String>)]
    pub parent_subscription_id: Option<SubscriptionId>,
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
    /// The change that waits for the end of the period.
    pub pending_change: Option<PendingView>,
    /// Those that are not over; an add-on has none.
    pub addons: Vec<AddonBrief>,
    /// The card that is charged, its own or the customer's; null where there is none.
    pub payment_method: Option<CardBrief>,
    #[schema(value_type = String)]
    pub started_at: Timestamp,
    /// What is taken off its invoices.
    pub discounts: Vec<DiscountView>,
}

/// A coupon at work on a subscription.
#[derive(Serialize, ToSchema)]
pub struct DiscountView {
    /// The coupon's id.
    coupon: String,
    name: Option<String>,
    #[schema(value_type = Option<f64>, example = 12.5)]
    percent_off: Option<Box<RawValue>>,
    /// Major units of `currency`.
    #[schema(value_type = Option<f64>, example = 5.00)]
    amount_off: Option<Amount>,
    currency: Option<String>,
    /// As it was typed; null where the coupon was given without a code.
    promotion_code: Option<String>,
    /// Null for one that ends with its first invoice, and for one that never ends.
    #[schema(value_type = Option<String>)]
    ends_at: Option<Timestamp>,
}

impl DiscountView {
    fn of(discount: &objects::Discount, coupon: &objects::Coupon) -> Result<Self> {
        let currency = coupon.currency.as_deref().map(Currency::new).transpose();
        let currency = currency.map_err(|error| Error::Internal(error.into()))?;
        let amount = coupon.amount_off.zip(currency);
        Ok(Self {
            coupon: coupon.id.to_string(),
            name: coupon.name.clone(),
            percent_off: coupon.percent_off.clone().map(RawValue::from_string).transpose()?,
            amount_off: amount.map(|(minor, currency)| Amount(Money::new(minor, currency))),
            currency: coupon.currency.clone(),
            promotion_code: discount.promotion_code().map(|code| code.code.clone()),
            ends_at: discount.end.and_then(Timestamp::from_second),
        })
    }
}

fn discounts_of(row: &Subscription) -> Result<Vec<DiscountView>> {
    let subscription: objects::Subscription = row.stripe_object.to()?;
    let with_coupons =
        subscription.discounts().filter_map(|discount| Some((discount, discount.coupon()?)));
    with_coupons.map(|(discount, coupon)| DiscountView::of(discount, coupon)).collect()
}

/// What a subscription will become.
#[derive(Serialize, ToSchema)]
pub struct PendingView {
    /// The plan's code.
    pub plan: String,
    pub plan_version: u32,
    pub price_lookup_key: String,
    pub seats: u64,
    /// When it comes.
    #[schema(value_type = String)]
    pub at: Timestamp,
}

impl From<PendingChange> for PendingView {
    fn from(change: PendingChange) -> Self {
        let PendingChange { plan, plan_version, price_lookup_key, quantity, at } = change;
        Self { plan, plan_version, price_lookup_key, seats: quantity, at }
    }
}

/// An add-on beside a subscription.
#[derive(Serialize, ToSchema)]
pub struct AddonBrief {
    #[schema(value_type = String)]
    pub id: SubscriptionId,
    /// The plan's code.
    pub plan: String,
    pub quantity: i64,
    /// Stripe's eight words.
    pub status: String,
    #[schema(value_type = String)]
    pub current_period_end: Timestamp,
    #[schema(value_type = Option<String>)]
    pub cancel_at: Option<Timestamp>,
}

impl From<Subscription> for AddonBrief {
    fn from(row: Subscription) -> Self {
        Self {
            id: row.id,
            plan: row.plan_code,
            quantity: row.quantity,
            status: row.status.as_str().to_owned(),
            current_period_end: row.period_end,
            cancel_at: row.cancel_at,
        }
    }
}

/// A card in a few words.
#[derive(Serialize, ToSchema)]
pub struct CardBrief {
    /// Stripe's.
    pub id: String,
    pub brand: String,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
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
///
/// # Errors
/// What the database says.
pub async fn full_view(app: &App, tenant: &Tenant, row: Subscription) -> Result<FullSubscription> {
    let mut conn = app.db.read().await?;
    let plan = plan_of(&mut conn, &row).await?;
    let price = price_of(&mut conn, &row).await?;
    let is_addon = row.kind == PlanKind::Addon;
    let (base, addons) = if is_addon {
        (queries::find_live_base(&mut conn, row.tenant_id).await?, Vec::new())
    } else {
        (None, queries::list_live_addons(&mut conn, row.tenant_id).await?)
    };
    let access = access_of(app, tenant, &row, base.as_ref());
    let access_until = match access {
        Access::Grace { until } => Some(until),
        Access::Full => Some(row.cancel_at.unwrap_or(row.period_end)),
        Access::None => None,
    };
    Ok(FullSubscription {
        kind: row.kind.as_str(),
        parent_subscription_id: row.parent_id,
        pending_change: row.pending()?.map(PendingView::from),
        addons: addons.into_iter().map(AddonBrief::from).collect(),
        payment_method: card_of(&row.stripe_object.to()?),
        discounts: discounts_of(&row)?,
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

/// The card that it is charged to, its own or the customer's, where that is known and a card.
pub fn card_of(stripe: &objects::Subscription) -> Option<CardBrief> {
    let objects::Charged::To(method) = stripe.charged_to() else { return None };
    let card = method.card.as_ref()?;
    Some(CardBrief {
        id: method.id.to_string(),
        brand: card.brand.clone(),
        last4: card.last4.clone(),
        exp_month: card.exp_month,
        exp_year: card.exp_year,
    })
}
