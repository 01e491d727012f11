//! Stripe's checkout session → our checkout, and the subscription that came of it.

use tollhouse_domain::{checkout::CheckoutState, event::EventType, id::CheckoutId};
use tollhouse_stripe::{
    CheckoutSessionId,
    objects::{CheckoutSession, CheckoutStatus},
};

use super::{
    actions::close_other_pages,
    queries::{self, Checkout},
};
use crate::{
    app::App,
    error::Result,
    record::{Happened, Origin, Subject, record},
    subscriptions::{self, CHECKOUT_ID},
    sync::Synced,
};

/// Takes in what became of a page. A page only ever goes from open to complete or expired, so that no
/// two fetches can contradict each other.
pub async fn sync(app: &App, origin: &Origin, id: &CheckoutSessionId) -> Result<Synced> {
    let session = app.stripe.retrieve_checkout_session(id).await?.object;
    let Some(checkout) = find_checkout(app, &session).await? else {
        return Ok(Synced::NotOurs("the session was not opened by us"));
    };
    match &session.status {
        Some(CheckoutStatus::Complete) => {
            end(app, origin, &checkout, EventType::CheckoutCompleted, "was paid").await?;
            if let Some(subscription) = &session.subscription {
                subscriptions::sync::sync(app, origin, &subscription.0).await?;
            }
            if let Some(customer) = &session.customer {
                close_other_pages(app, origin, checkout.tenant_id, &customer.0, Some(checkout.id))
                    .await?;
            }
        }
        Some(CheckoutStatus::Expired) => {
            end(app, origin, &checkout, EventType::CheckoutExpired, "was closed unpaid").await?;
        }
        Some(CheckoutStatus::Open | CheckoutStatus::Other(_)) | None => {}
    }
    Ok(Synced::Done)
}

/// Ends a checkout whose page Stripe does not have.
pub async fn gone(app: &App, origin: &Origin, id: CheckoutId) -> Result<()> {
    let mut conn = app.db.read().await?;
    let checkout = queries::find(&mut conn, id).await?;
    drop(conn);
    match checkout {
        Some(checkout) => {
            end(app, origin, &checkout, EventType::CheckoutExpired, "was closed unpaid").await
        }
        None => Ok(()),
    }
}

/// By the session's id; by our own id where we died before we could write the session's down.
async fn find_checkout(app: &App, session: &CheckoutSession) -> Result<Option<Checkout>> {
    let mut conn = app.db.read().await?;
    if let Some(checkout) = queries::find_by_session(&mut conn, &session.id).await? {
        return Ok(Some(checkout));
    }
    let id = session.metadata.get(CHECKOUT_ID).and_then(|id| id.parse::<CheckoutId>().ok());
    match id {
        Some(id) => Ok(queries::find(&mut conn, id).await?),
        None => Ok(None),
    }
}

async fn end(
    app: &App,
    origin: &Origin,
    checkout: &Checkout,
    event: EventType,
    what: &str,
) -> Result<()> {
    let now = app.clock.now();
    let state = if event == EventType::CheckoutCompleted {
        CheckoutState::Complete
    } else {
        CheckoutState::Expired
    };
    let mut tx = app.db.begin().await?;
    if queries::end(&mut tx, checkout.id, state, now).await? {
        let happened = Happened {
            tenant: checkout.tenant_id,
            event,
            audit: None,
            subject: &Subject::new("checkout", checkout.id),
            summary: format!("The checkout {what}"),
            data: &serde_json::json!({
                "price": checkout.price_lookup_key,
                "quantity": checkout.quantity,
            }),
            at: now,
        };
        record(&mut tx, app, origin, happened).await?;
        tx.commit().await?;
    }
    Ok(())
}
