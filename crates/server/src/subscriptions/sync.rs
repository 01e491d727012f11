//! Stripe's subscription → our row: the only writer of what Stripe also knows.

use anyhow::anyhow;
use tollhouse_domain::{
    access::grace_started_at,
    card::card_expires,
    event::EventType,
    id::{SubscriptionId, TenantId},
    money::Currency,
    plan::{Plan, PlanKind},
    price::Price,
    subscription::{PendingChange, Status, changes, may_follow},
    time::Timestamp,
};
use tollhouse_stripe::{
    CustomerId, Fetched, ScheduleId, SubscriptionId as StripeSubscriptionId, objects,
    personal::without_personal_data,
};

use super::{
    PARENT_ID, due,
    queries::{self, Subscription},
    revenue,
    terms::{Terms, find_terms},
};
use crate::{
    app::App,
    catalog::queries as catalog,
    credits::queries as credits,
    db::{Json, Tx},
    error::{Error, Result},
    events,
    nudge::Nudge,
    record::{Happened, Origin, Subject, record},
    sync::{FETCHES_MAX, Synced, Written, contended},
    tenants::{self, queries::Tenant},
};

/// A subscription as Stripe shows it, and how often our row was written before we asked.
pub struct Fetch {
    pub(super) seen: Option<i64>,
    pub(super) fetched: Fetched<objects::Subscription>,
}

/// Fetches a subscription as it is now, and makes our row say the same.
///
/// # Errors
/// What Stripe or the database says; and where its price is none of the catalog's, so that the delivery
/// waits for the catalog instead of being lost.
pub async fn sync(app: &App, origin: &Origin, id: &StripeSubscriptionId) -> Result<Synced> {
    sync_fetched(app, origin, id, None).await
}

/// The same with a fetch that is there already; fetched anew only where somebody wrote since it was taken.
pub async fn sync_fetched(
    app: &App,
    origin: &Origin,
    id: &StripeSubscriptionId,
    mut fetch: Option<Fetch>,
) -> Result<Synced> {
    for _ in 0..FETCHES_MAX {
        let Fetch { seen, fetched } = if let Some(fetch) = fetch.take() {
            fetch
        } else {
            let mut conn = app.db.read().await?;
            let seen = queries::version(&mut conn, id).await?;
            drop(conn);
            Fetch { seen, fetched: app.stripe.retrieve_subscription(id).await? }
        };
        let Some(tenant) = tenants::sync::tenant_of(app, &fetched.object.customer()).await? else {
            return Ok(Synced::NotOurs("its customer belongs to no tenant"));
        };
        let terms = find_terms(app, &fetched.object).await?;
        let pending = find_pending(app, &fetched.object).await?;
        let shown = Shown { tenant: &tenant, terms: &terms, fetched: &fetched, pending };
        match write(app, origin, &shown, seen).await? {
            Written::Yes => return Ok(Synced::Done),
            Written::Never(why) => return Ok(Synced::Kept(why)),
            Written::TooLate => {}
        }
    }
    Err(contended())
}

/// Takes in what Stripe says of the subscription that a schedule manages, or has managed.
pub async fn sync_schedule(app: &App, origin: &Origin, id: &ScheduleId) -> Result<Synced> {
    let schedule = app.stripe.retrieve_schedule(id).await?;
    match schedule.subscription.or(schedule.released_subscription) {
        Some(subscription) => sync(app, origin, &subscription.0).await,
        None => Ok(Synced::NotOurs("the schedule manages no subscription")),
    }
}

/// Takes in every subscription of a customer that is not over: something they show has changed, such as a card.
pub async fn sync_of_customer(app: &App, origin: &Origin, id: &CustomerId) -> Result<Synced> {
    let Some(tenant) = tenants::sync::tenant_of(app, id).await? else {
        return Ok(Synced::NotOurs("the customer belongs to no tenant"));
    };
    let mut conn = app.db.read().await?;
    let live = queries::list_live(&mut conn, tenant.id).await?;
    drop(conn);
    for row in live {
        sync(app, origin, &row.stripe_subscription_id).await?;
    }
    Ok(Synced::Done)
}

/// Takes in those of a tenant that have no card of their own: the customer's default may be another one.
pub async fn sync_charged_to_customer(app: &App, origin: &Origin, tenant: TenantId) -> Result<()> {
    let mut conn = app.db.read().await?;
    let live = queries::list_live(&mut conn, tenant).await?;
    drop(conn);
    for row in live {
        let stripe: objects::Subscription = row.stripe_object.to()?;
        if stripe.default_payment_method().is_none() {
            sync(app, origin, &row.stripe_subscription_id).await?;
        }
    }
    Ok(())
}

/// A subscription as Stripe shows it, and what it means to us.
struct Shown<'a> {
    tenant: &'a Tenant,
    terms: &'a Terms,
    fetched: &'a Fetched<objects::Subscription>,
    pending: Option<PendingChange>,
}

/// What the schedule of a subscription will make of it. A phase that sells none of our plans is none of
/// our changes.
async fn find_pending(
    app: &App,
    subscription: &objects::Subscription,
) -> Result<Option<PendingChange>> {
    let Some(schedule) = &subscription.schedule else { return Ok(None) };
    let schedule = app.stripe.retrieve_schedule(&schedule.0).await?;
    let Some(phase) = schedule.next_phase() else { return Ok(None) };
    let mut conn = app.db.read().await?;
    for item in &phase.items {
        let Some(price) = catalog::find_price_by_stripe_id(&mut conn, &item.price.0).await? else {
            continue;
        };
        if price.definition.to::<Price>()?.meter.is_some() {
            continue;
        }
        return Ok(Some(PendingChange {
            plan: price.plan_code,
            plan_version: u32::try_from(price.plan_version).unwrap_or(u32::MAX),
            price_lookup_key: price.lookup_key,
            quantity: item.quantity.and_then(|quantity| u64::try_from(quantity).ok()).unwrap_or(1),
            at: Timestamp::from_second(phase.start_date).unwrap_or(app.clock.now()),
        }));
    }
    Ok(None)
}

async fn write(
    app: &App,
    origin: &Origin,
    shown: &Shown<'_>,
    seen: Option<i64>,
) -> Result<Written> {
    let mut tx = app.db.begin().await?;
    // The base of a tenant marks its add-ons, and each of them tells events: in one order, or never.
    events::queries::lock(&mut tx, shown.tenant.id).await?;
    let before = queries::find_by_stripe_id(&mut tx, &shown.fetched.object.id).await?;
    if before.as_ref().map(|row| row.version) != seen {
        return Ok(Written::TooLate);
    }
    let parent = find_parent(&mut tx, shown, before.as_ref()).await?;
    let after = Subscription { parent_id: parent, ..row(app, shown, before.as_ref())? };
    if before.as_ref().is_some_and(|before| !may_follow(before.status, after.status)) {
        tracing::warn!(
            subscription.id = %after.id,
            "Stripe shows a subscription alive again that was over; our row stays as it is"
        );
        return Ok(Written::Never("Stripe shows a subscription alive again that was over"));
    }
    if before.is_some() {
        queries::update(&mut tx, &after).await?;
    } else if !queries::insert(&mut tx, &after).await? {
        return Ok(Written::TooLate);
    }
    queries::put_items(&mut tx, after.id, &shown.terms.items).await?;
    let before_state = before.as_ref().map(Subscription::state).transpose()?;
    let after_state = after.state()?;
    for event in changes(before_state.as_ref(), &after_state) {
        tell(app, origin, &mut tx, event, &after, &shown.terms.plan).await?;
    }
    if before_state.as_ref() != Some(&after_state) {
        due::queries::mark_addons_due(&mut tx, after.tenant_id, app.clock.now()).await?;
        credits::mark_due(&mut tx, after.tenant_id, app.clock.now()).await?;
        tx.nudge_after_commit(Nudge::Addons);
        settle_if_halted(app, &mut tx, &after).await?;
    }
    revenue::note(app, &mut tx, &after, shown.terms, &shown.fetched.object).await?;
    tx.commit().await?;
    Ok(Written::Yes)
}

/// What goes on of a tenant that is suspended or terminated is not to be collected, or to end.
async fn settle_if_halted(app: &App, tx: &mut Tx, after: &Subscription) -> Result<()> {
    if !after.status.is_live() {
        return Ok(());
    }
    let tenant = tenants::queries::find(tx, after.tenant_id).await?;
    match tenant.filter(|tenant| !tenant.status.is_in_good_standing()) {
        Some(tenant) => tenants::actions::ask_to_settle(tx, app, tenant.id).await,
        None => Ok(()),
    }
}

/// An add-on keeps the base it was bought for; one that names none joins the base there is.
async fn find_parent(
    tx: &mut Tx,
    shown: &Shown<'_>,
    before: Option<&Subscription>,
) -> Result<Option<SubscriptionId>> {
    if shown.terms.plan.kind == PlanKind::Base {
        return Ok(None);
    }
    if let Some(parent) = before.and_then(|before| before.parent_id) {
        return Ok(Some(parent));
    }
    let named = shown.fetched.object.metadata.get(PARENT_ID).and_then(|id| id.parse().ok());
    let named = match named {
        Some(id) => queries::find(tx, id).await?.filter(|row| row.tenant_id == shown.tenant.id),
        None => None,
    };
    let parent = match named {
        Some(named) => Some(named),
        None => queries::find_live_base(tx, shown.tenant.id).await?,
    };
    Ok(parent.map(|parent| parent.id))
}

/// The row as it should be, from what Stripe says and what we decided before.
fn row(app: &App, shown: &Shown<'_>, before: Option<&Subscription>) -> Result<Subscription> {
    let Shown { tenant, terms, fetched, pending } = shown;
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
        stripe_schedule_id: stripe.schedule.as_ref().map(|schedule| schedule.0.clone()),
        pending: pending.as_ref().map(Json::of).transpose()?,
        parent_id: None,
        payment_good_until: payment_good_until(stripe),
        version: before.map_or(1, |before| before.version),
        stripe_object: Json::from(if tenant.personal_data_erased_at.is_some() {
            without_personal_data(fetched.raw.get())?
        } else {
            fetched.raw.clone()
        }),
        updated_at: now,
    })
}

/// Until when what its invoices are charged to is good; none where there is nothing. An invoice that is sent, a
/// debit or an old card may fail, but not by the calendar.
fn payment_good_until(stripe: &objects::Subscription) -> Option<Timestamp> {
    match stripe.charged_to() {
        objects::Charged::ToNothing => None,
        objects::Charged::ByInvoice | objects::Charged::ToSource => Some(Timestamp::MAX),
        objects::Charged::To(method) => {
            let expires = |card: &objects::Card| card_expires(card.exp_year, card.exp_month);
            Some(method.card.as_ref().and_then(expires).unwrap_or(Timestamp::MAX))
        }
    }
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
        audit: audit_name(event),
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

/// What the audit calls it, where the application's auditors know it by another name.
fn audit_name(event: EventType) -> Option<&'static str> {
    use EventType as E;
    match event {
        E::SubscriptionCreated => Some("subscription.create"),
        E::SubscriptionPlanChanged
        | E::SubscriptionQuantityChanged
        | E::SubscriptionChangeScheduled => Some("subscription.change"),
        E::SubscriptionCancelScheduled | E::SubscriptionCanceled => Some("subscription.cancel"),
        _ => None,
    }
}

/// What happened, for people.
fn sentence(event: EventType, after: &Subscription, plan: &Plan) -> String {
    use EventType as E;
    let name = &plan.name;
    match event {
        E::SubscriptionCreated => format!("{name} was subscribed to"),
        E::SubscriptionTrialStarted => format!("The trial of {name} began"),
        E::SubscriptionTrialEnded => format!("The trial of {name} ended"),
        E::SubscriptionActivated => format!("{name} is active until {}", after.period_end.date()),
        E::SubscriptionRenewed => format!("{name} was renewed until {}", after.period_end.date()),
        E::SubscriptionPlanChanged => format!("The plan is {name} now"),
        E::SubscriptionQuantityChanged => format!("{name} has {} seats now", after.quantity),
        E::SubscriptionPastDue => format!("A payment for {name} failed and will be tried again"),
        E::SubscriptionRecovered => format!("{name} is paid again"),
        E::SubscriptionUnpaid => format!("{name} is unpaid"),
        E::SubscriptionPaused => format!("{name} is paused"),
        E::SubscriptionResumed => format!("{name} goes on"),
        E::SubscriptionCancelScheduled => {
            let end = after.cancel_at.unwrap_or(after.period_end);
            format!("{name} will end on {}", end.date())
        }
        E::SubscriptionChangeScheduled => format!("{name} will change with its next period"),
        E::SubscriptionChangeDropped => format!("{name} stays as it is"),
        E::SubscriptionCancelRevoked => format!("{name} will not end after all"),
        E::SubscriptionCanceled => format!("{name} has ended"),
        E::SubscriptionExpired => format!("The first payment for {name} never came"),
        other => other.sentence().to_owned(),
    }
}
