//! Listing, choosing and removing cards.

use tollhouse_domain::{event::EventType, id::TenantId, refusal::Refusal, subscription::Status};
use tollhouse_stripe::{
    CustomerId, IdempotencyKey, PaymentMethodId,
    objects::{PaymentMethod, SetupIntent},
    params,
};
use uuid::Uuid;

use crate::{
    app::App,
    error::{Result, not_found},
    record::{Happened, Origin, Subject, record},
    subscriptions::{
        queries::{self as subscriptions, Subscription},
        sync::sync,
    },
    tenants::{actions as tenants, queries::Tenant},
};

/// The cards of a tenant, and which one is charged.
#[derive(Default)]
pub struct Cards {
    pub all: Vec<PaymentMethod>,
    pub default: Option<PaymentMethodId>,
}

/// Every card; none before a first checkout.
pub async fn list(app: &App, tenant: &Tenant) -> Result<Cards> {
    let Some(customer) = &tenant.stripe_customer_id else { return Ok(Cards::default()) };
    let all = app.stripe.list_payment_methods(customer).await?.data;
    Ok(Cards { default: find_default(app, tenant, customer).await?, all })
}

/// What Stripe charges: the subscription's own card, else the customer's.
async fn find_default(
    app: &App,
    tenant: &Tenant,
    customer: &CustomerId,
) -> Result<Option<PaymentMethodId>> {
    if let Some(row) = live_base(app, tenant.id).await? {
        let subscription = app.stripe.retrieve_subscription(&row.stripe_subscription_id).await?;
        if let Some(default) = subscription.object.default_payment_method() {
            return Ok(Some(default));
        }
    }
    let customer = app.stripe.retrieve_customer(customer).await?;
    Ok(customer.object.default_payment_method())
}

async fn live_base(app: &App, tenant: TenantId) -> Result<Option<Subscription>> {
    let mut conn = app.db.read().await?;
    Ok(subscriptions::find_live_base(&mut conn, tenant).await?)
}

/// What a page needs to ask for a card, to be charged later.
pub async fn set_up(
    app: &App,
    origin: &Origin,
    tenant: &Tenant,
    work: Uuid,
) -> Result<SetupIntent> {
    let params = params::CreateSetupIntent {
        customer: tenants::ensure_customer(app, origin, tenant).await?,
        automatic_payment_methods: params::AutomaticPaymentMethods { enabled: true },
    };
    Ok(app.stripe.create_setup_intent(&params, &IdempotencyKey::new("set-up-card", work)).await?)
}

/// Charges this card from now on.
///
/// # Errors
/// `NotFound` where it is none of the tenant's.
pub async fn make_default(
    app: &App,
    origin: &Origin,
    tenant: &Tenant,
    card: &PaymentMethodId,
    work: Uuid,
) -> Result<()> {
    let (customer, _) = own_card(app, tenant, card).await?;
    let settings = params::InvoiceSettings { default_payment_method: card.clone() };
    let update = params::UpdateCustomer {
        phone: None,
        invoice_settings: Some(settings),
        ..params::UpdateCustomer::default()
    };
    app.stripe
        .update_customer(&customer, &update, &IdempotencyKey::new("default-card", work))
        .await?;
    let mut conn = app.db.read().await?;
    let live = subscriptions::list_live(&mut conn, tenant.id).await?;
    drop(conn);
    // One that waits for its first payment takes no other card; that goes with the payment.
    for row in live.into_iter().filter(|row| row.status != Status::Incomplete) {
        let update = params::UpdateSubscription {
            default_payment_method: Some(card.clone()),
            ..params::UpdateSubscription::default()
        };
        // Base and add-ons: each has a card of its own, which goes before the customer's.
        let key = IdempotencyKey::new("default-card-of-subscription", format!("{work}-{}", row.id));
        app.stripe.update_subscription(&row.stripe_subscription_id, &update, &key).await?;
        sync(app, origin, &row.stripe_subscription_id).await?;
    }
    let event = EventType::PaymentMethodDefaultChanged;
    tell(app, origin, tenant.id, card, event, "Another card is charged from now on").await
}

/// Removes a card, for good.
///
/// # Errors
/// `LastPaymentMethod` for the only card of a live subscription; `NotFound` where it is none of the tenant's.
pub async fn remove(
    app: &App,
    origin: &Origin,
    tenant: &Tenant,
    card: &PaymentMethodId,
    work: Uuid,
) -> Result<()> {
    let (_, cards) = own_card(app, tenant, card).await?;
    if cards == 1 && live_base(app, tenant.id).await?.is_some() {
        return Err(Refusal::LastPaymentMethod.into());
    }
    app.stripe.detach_payment_method(card, &IdempotencyKey::new("remove-card", work)).await?;
    tell(app, origin, tenant.id, card, EventType::PaymentMethodRemoved, "A card was removed").await
}

/// The tenant's customer and how many cards it has, where the card is one of them.
async fn own_card(
    app: &App,
    tenant: &Tenant,
    card: &PaymentMethodId,
) -> Result<(CustomerId, usize)> {
    let missing = || not_found("payment method", card);
    let customer = tenant.stripe_customer_id.clone().ok_or_else(missing)?;
    let cards = app.stripe.list_payment_methods(&customer).await?.data;
    let is_own = cards.iter().any(|known| known.id == *card);
    if is_own { Ok((customer, cards.len())) } else { Err(missing()) }
}

async fn tell(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    card: &PaymentMethodId,
    event: EventType,
    summary: &str,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let happened = Happened {
        tenant,
        event,
        audit: None,
        subject: &Subject::new("payment_method", card),
        summary: summary.to_owned(),
        data: &serde_json::json!({}),
        at: app.clock.now(),
    };
    record(&mut tx, app, origin, happened).await?;
    Ok(tx.commit().await?)
}
