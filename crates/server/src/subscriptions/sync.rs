//! Stripe's subscription → our row: the only writer of what Stripe also knows.

use anyhow::anyhow;
use tollhouse_domain::{
    access::grace_started_at,
    event::EventType,
    id::SubscriptionId,
    money::{Currency, Money, MoneyError},
    plan::Plan,
    price::{Model, Price},
    subscription::{Status, changes, may_follow},
    time::Timestamp,
};
use tollhouse_stripe::{
    Fetched, SubscriptionId as StripeSubscriptionId,
    objects::{self, SubscriptionItem},
};

use super::queries::{self, Subscription};
use crate::{
    app::App,
    catalog::queries::{self as catalog, PriceRow},
    db::{Conn, Json},
    error::{Error, Result},
    record::{Happened, Origin, Subject, record},
    sync::{FETCHES_MAX, Synced, Written, contended},
    tenants::{self, queries::Tenant},
};

/// Fetches a subscription as it is now, and makes our row say the same.
///
/// # Errors
/// What Stripe or the database says; and where its price is none of the catalog's, so that the delivery
/// waits for the catalog instead of being lost.
pub async fn sync(app: &App, origin: &Origin, id: &StripeSubscriptionId) -> Result<Synced> {
    for _ in 0..FETCHES_MAX {
        let mut conn = app.db.read().await?;
        let seen = queries::version(&mut conn, id).await?;
        drop(conn);
        let fetched = app.stripe.retrieve_subscription(id).await?;
        let Some(tenant) = tenants::sync::tenant_of(app, &fetched.object.customer.0).await? else {
            return Ok(Synced::NotOurs("its customer belongs to no tenant"));
        };
        let terms = find_terms(app, &fetched.object).await?;
        if write(app, origin, &tenant, &terms, &fetched, seen).await? == Written::Yes {
            return Ok(Synced::Done);
        }
    }
    Err(contended())
}

/// What the subscription's main item was sold as.
struct Terms {
    plan: Plan,
    price: PriceRow,
    /// The item that bears the price.
    item: SubscriptionItem,
    /// What one period costs, all items together.
    amount: Money,
}

async fn find_terms(app: &App, subscription: &objects::Subscription) -> Result<Terms> {
    let mut conn = app.db.read().await?;
    let mut main: Option<(PriceRow, SubscriptionItem)> = None;
    let mut amount: Option<Money> = None;
    for item in &subscription.items.data {
        let Some(row) = find_price(&mut conn, item).await? else { continue };
        let price: Price = row.definition.to()?;
        let cost = cost_of(item, &price).map_err(|error| Error::Internal(error.into()))?;
        amount = Some(match amount {
            Some(sum) => sum.checked_add(cost).map_err(|error| Error::Internal(error.into()))?,
            None => cost,
        });
        if main.is_none() || price.meter.is_none() {
            main = Some((row, item.clone()));
        }
    }
    let Some(((price, item), amount)) = main.zip(amount) else {
        return Err(Error::Internal(anyhow!(
            "subscription {} has no price of our catalog: add it to the catalog or to \
             STRIPE_PRODUCT_PRICE_MAP, then replay the delivery",
            subscription.id
        )));
    };
    let plan = catalog::find_plan(&mut conn, &price.plan_code, price.plan_version).await?;
    let plan = plan.ok_or_else(|| anyhow!("the plan of price {} is gone", price.lookup_key))?;
    Ok(Terms { plan: plan.definition.to()?, price, item, amount })
}

/// By Stripe's id; by the lookup key where the id is of a price that the catalog had before.
async fn find_price(conn: &mut Conn, item: &SubscriptionItem) -> Result<Option<PriceRow>> {
    if let Some(row) = catalog::find_price_by_stripe_id(conn, &item.price.id).await? {
        return Ok(Some(row));
    }
    match &item.price.lookup_key {
        Some(key) => Ok(catalog::find_price(conn, key).await?),
        None => Ok(None),
    }
}

/// What one item costs for a period. What a meter counts is not known before the end.
fn cost_of(item: &SubscriptionItem, price: &Price) -> Result<Money, MoneyError> {
    let (None, Some(quantity)) = (&price.meter, item.quantity) else {
        return Ok(Money::zero(price.currency));
    };
    match (&price.model, item.price.unit_amount) {
        // Stripe's own amount is the truth, should the two ever differ.
        (Model::Flat { .. } | Model::PerSeat { .. }, Some(unit)) => {
            Money::new(unit, price.currency).checked_mul(quantity)
        }
        _ => price.amount_for(u64::try_from(quantity).unwrap_or(0)),
    }
}

async fn write(
    app: &App,
    origin: &Origin,
    tenant: &Tenant,
    terms: &Terms,
    fetched: &Fetched<objects::Subscription>,
    seen: Option<i64>,
) -> Result<Written> {
    let mut tx = app.db.begin().await?;
    let before = queries::find_by_stripe_id(&mut tx, &fetched.object.id).await?;
    if before.as_ref().map(|row| row.version) != seen {
        return Ok(Written::TooLate);
    }
    let after = row(app, tenant, terms, fetched, before.as_ref())?;
    if before.as_ref().is_some_and(|before| !may_follow(before.status, after.status)) {
        tracing::warn!(
            subscription.id = %after.id,
            "Stripe shows a subscription alive again that was over; our row stays as it is"
        );
        return Ok(Written::Yes);
    }
    if before.is_some() {
        queries::update(&mut tx, &after).await?;
    } else if !queries::insert(&mut tx, &after).await? {
        return Ok(Written::TooLate);
    }
    let before_state = before.as_ref().map(Subscription::state);
    for event in changes(before_state.as_ref(), &after.state()) {
        tell(app, origin, &mut tx, event, &after, &terms.plan).await?;
    }
    tx.commit().await?;
    Ok(Written::Yes)
}

/// The row as it should be, from what Stripe says and what we decided before.
fn row(
    app: &App,
    tenant: &Tenant,
    terms: &Terms,
    fetched: &Fetched<objects::Subscription>,
    before: Option<&Subscription>,
) -> Result<Subscription> {
    let stripe = &fetched.object;
    let now = app.clock.now();
    let status: Status = stripe.status.as_str().parse().map_err(|error| {
        anyhow!("{error}; Stripe says so of {}: a newer Tollhouse may know the word", stripe.id)
    })?;
    let (period_start, period_end) = terms
        .item
        .current_period_start
        .zip(terms.item.current_period_end)
        .or_else(|| stripe.period())
        .ok_or_else(|| anyhow!("subscription {} has no period", stripe.id))?;
    let currency: Currency =
        terms.item.price.currency.parse().map_err(|error| Error::Internal(anyhow!("{error}")))?;
    let time = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(now);
    Ok(Subscription {
        id: before
            .map_or_else(|| SubscriptionId::from_uuid(app.clock.new_id()), |before| before.id),
        tenant_id: tenant.id,
        stripe_subscription_id: stripe.id.clone(),
        kind: terms.plan.kind,
        price_lookup_key: terms.price.lookup_key.clone(),
        plan_code: terms.price.plan_code.clone(),
        plan_version: terms.price.plan_version,
        status,
        quantity: terms.item.quantity.unwrap_or(1),
        amount: terms.amount.minor(),
        currency,
        period_start: time(period_start),
        period_end: time(period_end),
        trial_end: stripe.trial_end.map(time),
        cancel_at: stripe.ends_at().map(time),
        cancel_at_period_end: stripe.cancel_at_period_end,
        canceled_at: stripe.canceled_at.map(time),
        ended_at: stripe.ended_at.map(time),
        grace_started_at: grace_started_at(
            before.and_then(|before| before.grace_started_at),
            before.map(|before| before.status),
            status,
            now,
        ),
        started_at: time(stripe.created),
        version: before.map_or(1, |before| before.version),
        stripe_object: Json::from(fetched.raw.clone()),
        updated_at: now,
    })
}

async fn tell(
    app: &App,
    origin: &Origin,
    tx: &mut crate::db::Tx,
    event: EventType,
    after: &Subscription,
    plan: &Plan,
) -> Result<()> {
    let happened = Happened {
        tenant: after.tenant_id,
        event,
        audit: None,
        subject: &Subject::new("subscription", after.id),
        summary: sentence(event, after, plan),
        data: &serde_json::json!({
            "plan": after.plan_code,
            "plan_version": after.plan_version,
            "status": after.status,
            "quantity": after.quantity,
            "current_period_start": after.period_start,
            "current_period_end": after.period_end,
            "cancel_at": after.cancel_at,
            "stripe_subscription_id": after.stripe_subscription_id,
        }),
        at: app.clock.now(),
    };
    record(tx, app, origin, happened).await
}

/// What happened, for people.
fn sentence(event: EventType, after: &Subscription, plan: &Plan) -> String {
    use EventType as E;
    let name = &plan.name;
    let day = |time: Timestamp| time.to_string().chars().take(10).collect::<String>();
    match event {
        E::SubscriptionCreated => format!("{name} was subscribed to"),
        E::SubscriptionTrialStarted => format!("The trial of {name} began"),
        E::SubscriptionTrialEnded => format!("The trial of {name} ended"),
        E::SubscriptionActivated => format!("{name} is active until {}", day(after.period_end)),
        E::SubscriptionRenewed => format!("{name} was renewed until {}", day(after.period_end)),
        E::SubscriptionPlanChanged => format!("The plan is {name} now"),
        E::SubscriptionQuantityChanged => format!("{name} has {} seats now", after.quantity),
        E::SubscriptionPastDue => format!("A payment for {name} failed and will be tried again"),
        E::SubscriptionRecovered => format!("{name} is paid again"),
        E::SubscriptionUnpaid => format!("{name} is unpaid"),
        E::SubscriptionPaused => format!("{name} is paused"),
        E::SubscriptionResumed => format!("{name} goes on"),
        E::SubscriptionCancelScheduled => {
            let end = after.cancel_at.unwrap_or(after.period_end);
            format!("{name} will end on {}", day(end))
        }
        E::SubscriptionCancelRevoked => format!("{name} will not end after all"),
        E::SubscriptionCanceled => format!("{name} has ended"),
        E::SubscriptionExpired => format!("The first payment for {name} never came"),
        other => other.sentence().to_owned(),
    }
}
