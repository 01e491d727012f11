//! Buying by a call, with a card on file.

use anyhow::anyhow;
use tollhouse_domain::{
    checkout::CheckoutState, id::CheckoutId, refusal::Refusal, time::Timestamp,
};
use tollhouse_stripe::{
    CustomerId, Error as StripeError, IdempotencyKey, PaymentMethodId,
    SubscriptionId as StripeSubscriptionId, objects,
    params::{CreateSubscription, Enabled},
};

use super::{Purchase, Reserved, Sale, clear_the_way, find_sale, hold, interrupt, reserve, terms};
use crate::{
    app::App,
    checkout::queries,
    discounts::actions::not_applicable,
    error::{Conflict, Error, Result, invalid},
    record::Origin,
    subscriptions::{
        CHECKOUT_ID,
        actions::{addons::Way, follow_all},
        queries::{self as subscriptions, Subscription},
        sync::sync,
    },
    tenants::queries::Tenant,
};

/// With what it is paid.
pub struct Payment {
    /// One of the tenant's cards; the customer's default, where absent.
    pub card: Option<PaymentMethodId>,
    /// Whether it goes on after its period.
    pub auto_renew: bool,
}

/// A subscription that began.
pub struct Started {
    pub subscription: Subscription,
    /// With this the customer's page confirms the first payment or the card, where that is still needed.
    pub client_secret: Option<String>,
}

/// Begins a subscription and charges its first period. The same request again finds the same subscription.
///
/// # Errors
/// `Refused` by the rules; `Declined`, and then nothing has begun; `Conflict` while another purchase is being
/// prepared for the tenant; or what Stripe says.
pub async fn start(
    app: &App,
    origin: &Origin,
    purchase: Purchase,
    payment: Payment,
) -> Result<Started> {
    if let Some(begun) = find_begun(app, &purchase).await? {
        return finish(app, &purchase, &begun).await;
    }
    let sale = find_sale(app, &purchase).await?;
    let begun = match reserve(app, &purchase, &sale).await? {
        Reserved::Mine { begun } => begun,
        Reserved::Known(_) => {
            let sentence =
                "What this request began is over since. Ask again with a new `Idempotency-Key`.";
            return Err(Error::Conflict(Conflict::CheckoutOver, sentence.to_owned()));
        }
    };
    let outcome = begin(app, origin, &purchase, &payment, (sale.tenant, begun));
    let outcome = Box::pin(outcome).await;
    if outcome.is_err() {
        interrupt(app, purchase.id).await?;
    }
    outcome
}

/// What the same request has begun before.
async fn find_begun(app: &App, purchase: &Purchase) -> Result<Option<StripeSubscriptionId>> {
    let mut conn = app.db.read().await?;
    for row in subscriptions::list_live(&mut conn, purchase.tenant).await? {
        let stripe: objects::Subscription = row.stripe_object.to()?;
        let id = stripe.metadata.get(CHECKOUT_ID).and_then(|id| id.parse::<CheckoutId>().ok());
        if id == Some(purchase.id) {
            return Ok(Some(row.stripe_subscription_id));
        }
    }
    Ok(None)
}

async fn begin(
    app: &App,
    origin: &Origin,
    purchase: &Purchase,
    payment: &Payment,
    (tenant, begun): (Tenant, Timestamp),
) -> Result<Started> {
    let customer = clear_the_way(app, origin, purchase, &tenant).await?;
    if let Some(begun) = find_begun(app, purchase).await? {
        return finish(app, purchase, &begun).await;
    }
    let sale = find_sale(app, purchase).await?;
    let card = find_card(app, &customer, payment, &sale).await?;
    let params = CreateSubscription {
        customer,
        items: sale.offer.items.clone(),
        payment_behavior: "error_if_incomplete",
        default_payment_method: card,
        cancel_at_period_end: (!payment.auto_renew).then_some(true),
        automatic_tax: app.config.billing.automatic_tax.then_some(Enabled { enabled: true }),
        off_session: None,
        terms: terms(app, purchase, &sale, Way::Call, begun),
        discounts: sale.discounts(),
        expand: Vec::new(),
    };
    hold(app, purchase.id).await?;
    let started = create(app, purchase, params).await?;
    sync(app, origin, &started).await?;
    follow_all(app, origin, purchase.tenant).await;
    finish(app, purchase, &started).await
}

/// A declined card leaves nothing behind. One that its bank wants confirmed is tried once more in a way
/// that waits for the confirmation.
async fn create(
    app: &App,
    purchase: &Purchase,
    params: CreateSubscription,
) -> Result<StripeSubscriptionId> {
    let key = IdempotencyKey::of("start-subscription", purchase.id, &params);
    let mut answer = app.stripe.create_subscription(&params, &key).await;
    if let Err(StripeError::Declined { decline_code, .. }) = &answer
        && needs_confirmation(decline_code)
    {
        let waiting = CreateSubscription { payment_behavior: "allow_incomplete", ..params };
        let key = IdempotencyKey::of("start-subscription", purchase.id, &waiting);
        answer = app.stripe.create_subscription(&waiting, &key).await;
    }
    match answer {
        Err(StripeError::Invalid { code, .. }) if code == "customer_tax_location_invalid" => {
            Err(Refusal::TaxLocationMissing.into())
        }
        answer => Ok(answer.map_err(not_applicable)?.id),
    }
}

fn needs_confirmation(decline_code: &str) -> bool {
    ["authentication_required", "subscription_payment_intent_requires_action"]
        .contains(&decline_code)
}

/// The card to charge. Only a trial can begin without one.
async fn find_card(
    app: &App,
    customer: &CustomerId,
    payment: &Payment,
    sale: &Sale,
) -> Result<Option<PaymentMethodId>> {
    if let Some(card) = &payment.card {
        let cards = app.stripe.list_payment_methods(customer).await?.data;
        if !cards.iter().any(|known| known.id == *card) {
            return Err(invalid("payment_method", "is none of this tenant's cards: list those"));
        }
        return Ok(Some(card.clone()));
    }
    let of_base =
        sale.base.as_ref().map(|base| base.row.stripe_object.to::<objects::Subscription>());
    let of_base = of_base.transpose()?.and_then(|base| base.default_payment_method());
    if let Some(card) = of_base {
        return Ok(Some(card));
    }
    let customer = app.stripe.retrieve_customer(customer).await?.object;
    let card = customer.default_payment_method();
    let in_trial = sale.trial_days.is_some()
        || sale.base.as_ref().is_some_and(|base| base.row.trial_end > Some(app.clock.now()));
    if card.is_none() && !in_trial {
        return Err(Refusal::NoPaymentMethod.into());
    }
    Ok(card)
}

/// Ends the purchase, and answers with what the customer may still have to confirm.
async fn finish(app: &App, purchase: &Purchase, id: &StripeSubscriptionId) -> Result<Started> {
    let started = app.stripe.retrieve_started_subscription(id).await?;
    let mut tx = app.db.begin().await?;
    queries::end(&mut tx, purchase.id, CheckoutState::Complete, app.clock.now()).await?;
    let row = subscriptions::find_by_stripe_id(&mut tx, id).await?;
    tx.commit().await?;
    let subscription =
        row.ok_or_else(|| Error::Internal(anyhow!("subscription {id} is not kept")))?;
    Ok(Started { subscription, client_secret: started.client_secret().map(str::to_owned) })
}
