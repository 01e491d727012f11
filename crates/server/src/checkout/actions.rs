//! Opening a page to pay on, and closing those that are no longer wanted.

use tollhouse_domain::{
    checkout::CheckoutState,
    event::EventType,
    id::{CheckoutId, TenantId},
    plan::{Plan, PlanKind},
    price::{ModelKind, Price},
    refusal::Refusal,
    time::Timestamp,
};
use tollhouse_stripe::{
    CheckoutSessionId, CustomerId, Error as StripeError, IdempotencyKey, PriceId,
    objects::CheckoutSession,
    params::{CreateCheckoutSession, LineItem, SubscriptionData, UseDiscount},
};

use super::{
    queries::{self, Checkout},
    sync,
};
use crate::{
    app::App,
    catalog::{
        actions as catalog,
        queries::{self as prices, PriceRow},
    },
    discounts::actions::{find_promotion_code, not_applicable},
    error::{Conflict, Error, Result, invalid},
    record::{Happened, Origin, Subject, record},
    subscriptions::queries as subscriptions,
    tenants::{actions as tenants, queries::Tenant},
};

/// The key in a session's metadata under which it bears our id.
pub(super) const CHECKOUT_ID: &str = "checkout_id";

/// What is to be bought, by whom, and where to go afterwards.
pub struct Start {
    /// The id of this work; a repeated request has the same.
    pub id: CheckoutId,
    pub tenant: TenantId,
    pub wanted: Wanted,
    pub quantity: u64,
    pub trial: bool,
    /// As somebody typed it.
    pub promotion_code: Option<String>,
    pub success_url: String,
    pub cancel_url: String,
}

/// How a price is named: by Stripe's id, or by our plan.
pub enum Wanted {
    Price(PriceId),
    Plan {
        code: String,
        interval: tollhouse_domain::price::Interval,
        currency: tollhouse_domain::money::Currency,
    },
}

/// Opens a page. The same request again gets the same page; a newer one closes those before it.
///
/// # Errors
/// `Refused` by the rules (already subscribed, unknown plan …), `Conflict` while another page is being opened
/// for the tenant, or what Stripe says.
pub async fn start(app: &App, origin: &Origin, start: Start) -> Result<Checkout> {
    let tenant = tenants::get(app, start.tenant).await?;
    if !tenant.status.is_in_good_standing() {
        return Err(Refusal::TenantNotActive.into());
    }
    let offer = find_offer(app, &start).await?;
    refuse_what_it_has_had(app, &start).await?;
    let mut discounts = Vec::new();
    if let Some(code) = &start.promotion_code {
        discounts.push(UseDiscount::redeem(find_promotion_code(app, &tenant, code).await?));
    }
    if let Some(opened) = reserve(app, &start, &offer).await? {
        return Ok(opened);
    }
    let outcome = open(app, origin, &start, &offer, discounts, &tenant).await;
    if outcome.is_err() {
        let mut tx = app.db.begin().await?;
        queries::interrupt(&mut tx, start.id, app.clock.now()).await?;
        tx.commit().await?;
    }
    outcome
}

/// Asks Stripe for the page, once the older ones are closed.
async fn open(
    app: &App,
    origin: &Origin,
    start: &Start,
    offer: &Offer,
    discounts: Vec<UseDiscount>,
    tenant: &Tenant,
) -> Result<Checkout> {
    let customer = tenants::ensure_customer(app, origin, tenant).await?;
    close_other_pages(app, origin, tenant.id, &customer, start.id).await?;
    // One of them may have turned out to be paid.
    refuse_what_it_has_had(app, start).await?;
    let params = session_params(app, start, offer, discounts, customer);
    let key = IdempotencyKey::new("create-checkout", start.id);
    let session = app.stripe.create_checkout_session(&params, &key).await;
    let session = session.map_err(not_applicable)?;
    write_down(app, origin, start, offer, &session).await
}

/// What the tenant will pay: the main price, and what the plan counts beside it.
struct Offer {
    plan: Plan,
    main: PriceRow,
    line_items: Vec<LineItem>,
}

async fn find_offer(app: &App, start: &Start) -> Result<Offer> {
    let mut conn = app.db.read().await?;
    let (plan, main) = match &start.wanted {
        Wanted::Price(id) => {
            let price = prices::find_price_by_stripe_id(&mut conn, id).await?;
            let price = price.filter(|price| price.sold).ok_or(Refusal::UnknownPrice)?;
            let plan = prices::find_plan(&mut conn, &price.plan_code, price.plan_version).await?;
            (plan.ok_or(Refusal::UnknownPlan)?.definition.to::<Plan>()?, price)
        }
        Wanted::Plan { code, interval, currency } => {
            let row = catalog::get_current_plan(&mut conn, code).await?;
            let plan: Plan = row.definition.to()?;
            let price = plan.find_price(*interval, *currency).ok_or(Refusal::PlanNotSold)?;
            let key = price.lookup_key(&plan.code, plan.version);
            let rows = prices::prices_of(&mut conn, code, row.version).await?;
            let row = rows.into_iter().find(|row| row.lookup_key == key);
            (plan, row.ok_or(Refusal::PlanNotSold)?)
        }
    };
    if plan.kind == PlanKind::Addon {
        return Err(invalid(
            "plan",
            "is an add-on: those cannot be bought on a page of their own yet",
        ));
    }
    let rows = prices::prices_of(&mut conn, &main.plan_code, main.plan_version).await?;
    let line_items = line_items(&main, rows, start.quantity)?;
    Ok(Offer { plan, main, line_items })
}

fn line_items(main: &PriceRow, rows: Vec<PriceRow>, quantity: u64) -> Result<Vec<LineItem>> {
    refuse_side_price(main, &rows)?;
    let mut items = Vec::new();
    for row in rows {
        let price: Price = row.definition.to()?;
        let is_main = row.lookup_key == main.lookup_key;
        let beside = price.meter.is_some()
            && row.sold
            && row.interval == main.interval
            && row.interval_count == main.interval_count
            && row.currency == main.currency;
        if !is_main && !beside {
            continue;
        }
        if is_main && quantity != 1 && price.model.kind() != ModelKind::PerSeat {
            return Err(invalid("quantity", "must be 1: this plan is not sold by the seat"));
        }
        let Some(price_id) = row.stripe_price_id else {
            let sentence = format!(
                "The plan `{}` is not in Stripe yet: run `tollhouse catalog push`.",
                row.plan_code
            );
            return Err(Error::Conflict(Conflict::PlanNotPushed, sentence));
        };
        items.push(LineItem {
            price: price_id,
            quantity: price.meter.is_none().then_some(quantity),
        });
    }
    Ok(items)
}

/// What is counted beside a plan's own price is not sold alone: the plan would cost nothing.
fn refuse_side_price(main: &PriceRow, rows: &[PriceRow]) -> Result<()> {
    let price: Price = main.definition.to()?;
    for row in rows.iter().filter(|row| row.sold && row.currency == main.currency) {
        if price.meter.is_some() && row.definition.to::<Price>()?.meter.is_none() {
            return Err(invalid(
                "price_id",
                "is counted beside the plan's own price: name that one",
            ));
        }
    }
    Ok(())
}

/// One base subscription at a time, and one trial ever.
async fn refuse_what_it_has_had(app: &App, start: &Start) -> Result<()> {
    let mut conn = app.db.read().await?;
    if subscriptions::find_live_base(&mut conn, start.tenant).await?.is_some() {
        return Err(Refusal::AlreadySubscribed.into());
    }
    if start.trial && subscriptions::has_had_trial(&mut conn, start.tenant).await? {
        return Err(Refusal::TrialAlreadyUsed.into());
    }
    Ok(())
}

/// A process that prepares a page longer than this has died.
const PREPARING_SECONDS_MAX: i64 = 120;

/// Writes our row before anything is asked of Stripe. A page opened by the same request is answered.
///
/// One page at a time is prepared for a tenant (`checkouts_one_preparing`), so that each finds the one
/// before it and closes it: no two pages can be paid.
async fn reserve(app: &App, start: &Start, offer: &Offer) -> Result<Option<Checkout>> {
    let now = app.clock.now();
    let new = Checkout {
        id: start.id,
        tenant_id: start.tenant,
        price_lookup_key: offer.main.lookup_key.clone(),
        quantity: i64::try_from(start.quantity).unwrap_or(i64::MAX),
        state: CheckoutState::Preparing,
        stripe_session_id: None,
        url: None,
        expires_at: None,
        created_at: now,
        updated_at: now,
    };
    let mut tx = app.db.begin().await?;
    queries::interrupt_stale(&mut tx, start.tenant, now.plus_seconds(-PREPARING_SECONDS_MAX), now)
        .await?;
    let mine = queries::insert(&mut tx, &new).await?
        || queries::prepare_again(&mut tx, start.id, now).await?;
    let known = queries::find(&mut tx, start.id).await?;
    tx.commit().await?;
    match known {
        _ if mine => Ok(None),
        Some(known) if known.state != CheckoutState::Preparing => Ok(Some(known)),
        _ => {
            let sentence =
                "Another page is being opened for this tenant at this moment: try again.";
            Err(Error::Conflict(Conflict::CheckoutInProgress, sentence.to_owned()))
        }
    }
}

fn session_params(
    app: &App,
    start: &Start,
    offer: &Offer,
    discounts: Vec<UseDiscount>,
    customer: CustomerId,
) -> CreateCheckoutSession {
    // The session's metadata stays on the session; the subscription's must be given apart.
    let metadata: tollhouse_stripe::objects::Metadata = [
        ("tenant_id".to_owned(), start.tenant.to_string()),
        (CHECKOUT_ID.to_owned(), start.id.to_string()),
    ]
    .into();
    let trial_days = offer.plan.trial_days.unwrap_or(app.config.billing.default_trial_days);
    CreateCheckoutSession {
        mode: "subscription",
        customer,
        line_items: offer.line_items.clone(),
        success_url: start.success_url.clone(),
        cancel_url: start.cancel_url.clone(),
        client_reference_id: start.tenant.to_string(),
        metadata: metadata.clone(),
        subscription_data: SubscriptionData {
            metadata,
            trial_period_days: (start.trial && trial_days > 0).then_some(trial_days),
        },
        discounts,
    }
}

async fn write_down(
    app: &App,
    origin: &Origin,
    start: &Start,
    offer: &Offer,
    session: &CheckoutSession,
) -> Result<Checkout> {
    let now = app.clock.now();
    let expires_at = Timestamp::from_second(session.expires_at).unwrap_or(now);
    let url = session.url.as_deref().unwrap_or_default();
    let mut tx = app.db.begin().await?;
    if queries::open(&mut tx, start.id, &session.id, url, expires_at, now).await? {
        let happened = Happened {
            tenant: start.tenant,
            event: EventType::CheckoutStarted,
            audit: Some("checkout_session.created"),
            subject: &Subject::new("checkout", start.id),
            summary: format!("A page to pay for {} was opened", offer.plan.name),
            data: &serde_json::json!({
                "plan": offer.plan.code,
                "price": offer.main.lookup_key,
                "quantity": start.quantity,
                "session_id": session.id,
            }),
            at: now,
        };
        record(&mut tx, app, origin, happened).await?;
    }
    let checkout = queries::find(&mut tx, start.id).await?;
    tx.commit().await?;
    checkout.ok_or_else(|| Error::Internal(anyhow::anyhow!("checkout {} is gone", start.id)))
}

/// Closes the tenant's other pages at Stripe. One that was paid meanwhile is taken in instead.
///
/// First those we know to be open, then those that only Stripe knows: a process that died between
/// Stripe's answer and our write has left such a page behind.
pub async fn close_other_pages(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    customer: &CustomerId,
    but: CheckoutId,
) -> Result<()> {
    let mut conn = app.db.read().await?;
    let ours = queries::other_open(&mut conn, tenant, but).await?;
    drop(conn);
    for checkout in ours {
        if let Some(session) = checkout.stripe_session_id {
            close_page(app, origin, checkout.id, &session).await?;
        }
    }
    for session in app.stripe.list_open_checkout_sessions(customer).await?.data {
        let id = session.metadata.get(CHECKOUT_ID).and_then(|id| id.parse::<CheckoutId>().ok());
        if let Some(id) = id.filter(|id| *id != but) {
            close_page(app, origin, id, &session.id).await?;
        }
    }
    Ok(())
}

async fn close_page(
    app: &App,
    origin: &Origin,
    id: CheckoutId,
    session: &CheckoutSessionId,
) -> Result<()> {
    match app
        .stripe
        .expire_checkout_session(session, &IdempotencyKey::new("expire-checkout", id))
        .await
    {
        // Not open any more: the sync below finds out what became of it.
        Ok(_) | Err(StripeError::Invalid { .. }) => {}
        Err(StripeError::Missing(_)) => return sync::gone(app, origin, id).await,
        Err(error) => return Err(error.into()),
    }
    Box::pin(sync::sync(app, origin, session)).await?;
    Ok(())
}
