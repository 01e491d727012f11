//! Buying by a call, with a card on file.

use anyhow::anyhow;
use tollhouse_domain::{checkout::CheckoutState, id::CheckoutId, refusal::Refusal};
use tollhouse_stripe::{
    CustomerId, Error as StripeError, IdempotencyKey, PaymentMethodId,
    objects::{self, StartedSubscription},
    params::{CreateSubscription, Enabled},
};

use super::{Purchase, Sale, clear_the_way, find_sale, interrupt, reserve, terms};
use crate::{
    app::App,
    checkout::queries,
    discounts::actions::not_applicable,
    error::{Error, Result, invalid},
    record::Origin,
    subscriptions::{
        CHECKOUT_ID,
        actions::{addons::Way, follow_all},
        queries::{self as subscriptions, Subscription},
        sync::sync,
    },
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
        return Ok(begun);
    }
    let sale = find_sale(app, &purchase).await?;
    if reserve(app, &purchase, &sale).await?.is_some() {
        // Complete, though the subscription is not to be found: it was begun, and is over since.
        return Err(Refusal::NotSubscribed.into());
    }
    let outcome = Box::pin(begin(app, origin, &purchase, &payment, sale)).await;
    if outcome.is_err() {
        interrupt(app, purchase.id).await?;
    }
    outcome
}

/// What the same request has begun before.
async fn find_begun(app: &App, purchase: &Purchase) -> Result<Option<Started>> {
    let mut conn = app.db.read().await?;
    for row in subscriptions::list_live(&mut conn, purchase.tenant).await? {
        let stripe: objects::Subscription = row.stripe_object.to()?;
        let id = stripe.metadata.get(CHECKOUT_ID).and_then(|id| id.parse::<CheckoutId>().ok());
        if id == Some(purchase.id) {
            return Ok(Some(Started { subscription: row, client_secret: None }));
        }
    }
    Ok(None)
}

async fn begin(
    app: &App,
    origin: &Origin,
    purchase: &Purchase,
    payment: &Payment,
    sale: Sale,
) -> Result<Started> {
    let customer = clear_the_way(app, origin, purchase, &sale.tenant).await?;
    if let Some(begun) = find_begun(app, purchase).await? {
        return Ok(begun);
    }
    let sale = find_sale(app, purchase).await?;
    let card = find_card(app, &customer, payment, &sale).await?;
    let params = CreateSubscription {
        customer,
        items: sale.offer.items.clone(),
        payment_behavior: "error_if_incomplete",
        default_payment_method: card,
        cancel_at_period_end: (!payment.auto_renew).then_some(true),
        cancel_at: None,
        automatic_tax: app.config.billing.automatic_tax.then_some(Enabled { enabled: true }),
        terms: terms(app, purchase, &sale, Way::Call),
        discounts: sale.discounts(),
        expand: StartedSubscription::EXPAND.to_vec(),
    };
    let started = create(app, purchase, params).await?;
    sync(app, origin, &started.id).await?;
    follow_all(app, origin, purchase.tenant).await;
    write_down(app, purchase, &started).await
}

/// A declined card leaves nothing behind. One that its bank wants confirmed is tried once more in a way
/// that waits for the confirmation.
async fn create(
    app: &App,
    purchase: &Purchase,
    params: CreateSubscription,
) -> Result<StartedSubscription> {
    let key = IdempotencyKey::new("start-subscription", purchase.id);
    match app.stripe.create_subscription(&params, &key).await {
        Err(StripeError::Declined { decline_code, .. }) if needs_confirmation(&decline_code) => {
            let waiting = CreateSubscription { payment_behavior: "allow_incomplete", ..params };
            let key = IdempotencyKey::new("start-subscription-to-confirm", purchase.id);
            Ok(app.stripe.create_subscription(&waiting, &key).await?)
        }
        Err(StripeError::Invalid { code, .. }) if code == "customer_tax_location_invalid" => {
            Err(Refusal::TaxLocationMissing.into())
        }
        answer => answer.map_err(not_applicable),
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
    let card = customer.default_payment_method().cloned();
    let in_trial = sale.trial_days.is_some()
        || sale.base.as_ref().is_some_and(|base| base.row.trial_end > Some(app.clock.now()));
    if card.is_none() && !in_trial {
        return Err(Refusal::NoPaymentMethod.into());
    }
    Ok(card)
}

async fn write_down(
    app: &App,
    purchase: &Purchase,
    started: &StartedSubscription,
) -> Result<Started> {
    let mut tx = app.db.begin().await?;
    queries::end(&mut tx, purchase.id, CheckoutState::Complete, app.clock.now()).await?;
    let row = subscriptions::find_by_stripe_id(&mut tx, &started.id).await?;
    tx.commit().await?;
    let subscription =
        row.ok_or_else(|| Error::Internal(anyhow!("subscription {} is not kept", started.id)))?;
    Ok(Started { subscription, client_secret: started.client_secret().map(str::to_owned) })
}
