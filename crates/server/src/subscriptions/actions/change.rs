//! Another plan, another interval, another number of seats; now, and paid for to the second.

use tollhouse_domain::{
    id::TenantId,
    plan::{Plan, PlanKind},
    price::{Interval, ModelKind, Price},
    refusal::Refusal,
    subscription::Status,
};
use tollhouse_stripe::{
    IdempotencyKey, PromotionCodeId,
    objects::{self, SubscriptionItem},
    params::{LineItem, UpdateItem, UpdateSubscription},
};
use uuid::Uuid;

use super::{
    follow_all, live_base, preview,
    redeem::{discounts, find_code},
    reread, schedule,
};
use crate::{
    app::App,
    catalog::{
        actions::get_current_plan,
        queries::{self as catalog, PriceRow},
    },
    discounts::actions::not_applicable,
    error::{Conflict, Error, Result, invalid},
    record::Origin,
    subscriptions::{offer::items_of, queries::Subscription, sync::sync},
    tenants::actions::get_active,
};

/// How the subscription should be; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub plan: Option<String>,
    pub interval: Option<Interval>,
    pub seats: Option<u64>,
    /// A code to redeem with the change, as somebody typed it.
    pub promotion_code: Option<String>,
}

impl Change {
    /// Whether anything is to be changed at all; a code alone changes nothing.
    pub fn is_none(&self) -> bool {
        self.plan.is_none() && self.interval.is_none() && self.seats.is_none()
    }
}

/// A change that Stripe can be asked for.
pub(super) struct Target {
    pub row: Subscription,
    /// The main price it leads to.
    pub lookup_key: String,
    pub price: PriceRow,
    pub seats: u64,
    /// What it sells then.
    pub to_have: Vec<LineItem>,
    /// What is to be done with the items it has now.
    pub items: Vec<UpdateItem>,
    /// What is redeemed with it.
    pub promotion_code: Option<PromotionCodeId>,
}

/// Changes the subscription now. The part of the period that is left is credited and charged at once.
///
/// With the token of a preview, exactly the previewed amount is charged. Where the payment fails, the
/// change stays and the subscription is `past_due`, as Stripe leaves it.
///
/// # Errors
/// `NotSubscribed`, `TenantNotActive`, `UnknownPlan`, `PlanNotSold`; `Conflict` where the token is of another change, or old.
pub async fn change(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
    wanted: &Change,
    preview_token: Option<&str>,
) -> Result<Subscription> {
    get_active(app, tenant).await?;
    let target = find_target(app, tenant, wanted).await?;
    schedule::refuse_pending(&target.row)?;
    schedule::release(app, &target.row, work).await?;
    refuse_unpaid(&target.row)?;
    let proration_date = match preview_token {
        Some(token) => Some(preview::read_token(app, token, &target)?),
        None => None,
    };
    let params = UpdateSubscription {
        discounts: discounts(&target.row, target.promotion_code.as_ref())?,
        items: target.items,
        proration_behavior: Some("always_invoice"),
        proration_date,
        ..UpdateSubscription::default()
    };
    let id = &target.row.stripe_subscription_id;
    let key = IdempotencyKey::of("change-subscription", work, &params);
    app.stripe.update_subscription(id, &params, &key).await.map_err(not_applicable)?;
    sync(app, origin, id).await?;
    follow_all(app, origin, tenant).await;
    reread(app, &target.row).await
}

pub(super) async fn find_target(app: &App, tenant: TenantId, wanted: &Change) -> Result<Target> {
    let row = live_base(app, tenant).await?;
    let promotion_code = find_code(app, &row, wanted).await?;
    let mut conn = app.db.read().await?;
    let held = catalog::find_price(&mut conn, &row.price_lookup_key).await?;
    let held = held.ok_or(Refusal::UnknownPrice)?;
    // Another interval of the same plan stays within the version that was bought.
    let plan = match &wanted.plan {
        Some(code) if *code != row.plan_code => get_current_plan(&mut conn, code).await?,
        _ => {
            let plan = catalog::find_plan(&mut conn, &row.plan_code, row.plan_version).await?;
            plan.ok_or(Refusal::UnknownPlan)?
        }
    };
    let plan: Plan = plan.definition.to()?;
    if plan.kind != PlanKind::Base {
        return Err(invalid("plan", "is an add-on: it joins a plan, it does not replace it"));
    }
    let interval = wanted.interval.unwrap_or(held.interval);
    let keeps_price = plan.code == row.plan_code && interval == held.interval;
    let price = if keeps_price {
        held
    } else {
        let count = u32::try_from(held.interval_count).unwrap_or(1);
        let price = plan.find_price_like(interval, count, row.currency);
        let key = price.ok_or(Refusal::PlanNotSold)?.lookup_key(&plan.code, plan.version);
        catalog::find_price(&mut conn, &key).await?.ok_or(Refusal::PlanNotSold)?
    };
    let seats = seats(&price.definition.to()?, wanted.seats, &row)?;
    let lookup_key = price.lookup_key.clone();
    let to_have = items_of(&mut conn, &price, seats).await?;
    let stripe: objects::Subscription = row.stripe_object.to()?;
    let items = items(stripe.items.data, &to_have);
    Ok(Target { row, lookup_key, price, seats, to_have, items, promotion_code })
}

const SEATS_MAX: u64 = 1_000_000;

/// What was not paid would be credited all the same: first the open invoice, then the change.
pub(super) fn refuse_unpaid(row: &Subscription) -> Result<()> {
    if matches!(row.status, Status::Active | Status::Trialing) {
        return Ok(());
    }
    let sentence = format!(
        "The subscription is `{}`: it can be changed while it is `active` or `trialing`.",
        row.status
    );
    Err(Error::Conflict(Conflict::SubscriptionState, sentence))
}

fn seats(price: &Price, wanted: Option<u64>, row: &Subscription) -> Result<u64> {
    let by_the_seat = price.model.kind() == ModelKind::PerSeat;
    match wanted {
        Some(seats) if !(1..=SEATS_MAX).contains(&seats) => {
            Err(invalid("seats", "must be from 1 to 1000000"))
        }
        Some(seats) if seats != 1 && !by_the_seat => {
            Err(invalid("seats", "must be 1: this plan is not sold by the seat"))
        }
        Some(seats) => Ok(seats),
        // Without a word the seats stay; a plan without seats has one.
        None if by_the_seat => Ok(u64::try_from(row.quantity).unwrap_or(1)),
        None => Ok(1),
    }
}

/// What to do with each item so that the subscription has these prices and no others.
fn items(mut has: Vec<SubscriptionItem>, to_have: &[LineItem]) -> Vec<UpdateItem> {
    let mut items = Vec::new();
    for LineItem { price, quantity } in to_have {
        // The item of the same price, else one of the same kind: paid in advance, or metered.
        let place = has
            .iter()
            .position(|item| item.price.id == *price)
            .or_else(|| has.iter().position(|item| item.quantity.is_some() && quantity.is_some()));
        let id = place.map(|place| has.remove(place).id);
        let (price, quantity) = (Some(price.clone()), *quantity);
        items.push(UpdateItem { id, price, quantity, deleted: None });
    }
    items.extend(has.into_iter().map(|left| UpdateItem {
        id: Some(left.id),
        price: None,
        quantity: None,
        deleted: Some(true),
    }));
    items
}
