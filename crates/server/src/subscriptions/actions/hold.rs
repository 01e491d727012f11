//! What a suspended tenant's subscriptions do: nothing is collected, until the tenant is reactivated.
//!
//! Stripe keeps the periods going and voids their invoices: nobody pays for time without access.

use tollhouse_domain::subscription::Status;
use tollhouse_stripe::{
    IdempotencyKey, objects,
    params::{PauseCollection, UpdateSubscription},
};

use crate::{
    app::App,
    error::Result,
    record::Origin,
    subscriptions::{queries::Subscription, sync::sync},
};

/// In a subscription's metadata: its collection is paused because its tenant is suspended.
const HELD: &str = "held";

/// Pauses the collection of a subscription's invoices. Where somebody else has paused it, that stays theirs.
///
/// What bills nothing now is left alone; should it begin to, its sync has the tenant settled again.
pub async fn hold(app: &App, origin: &Origin, row: &Subscription) -> Result<()> {
    let stripe: objects::Subscription = row.stripe_object.to()?;
    let bills =
        matches!(row.status, Status::Active | Status::Trialing | Status::PastDue | Status::Unpaid);
    if !bills || stripe.pause_collection.is_some() {
        return Ok(());
    }
    set(app, origin, row, PauseCollection::Paused { behavior: "void" }, "true").await
}

/// Collects again what [`hold`] has paused, and nothing else.
pub async fn release(app: &App, origin: &Origin, row: &Subscription) -> Result<()> {
    let stripe: objects::Subscription = row.stripe_object.to()?;
    if !stripe.metadata.contains_key(HELD) {
        return Ok(());
    }
    set(app, origin, row, PauseCollection::Unset(""), "").await
}

/// In the same call it is noted whose pause it is. Repeating it changes nothing, so that its key may be new.
async fn set(
    app: &App,
    origin: &Origin,
    row: &Subscription,
    pause: PauseCollection,
    held: &str,
) -> Result<()> {
    let params = UpdateSubscription {
        pause_collection: Some(pause),
        metadata: [(HELD.to_owned(), held.to_owned())].into(),
        ..UpdateSubscription::default()
    };
    let key = IdempotencyKey::new("hold-subscription", app.clock.new_id());
    let id = &row.stripe_subscription_id;
    app.stripe.update_subscription(id, &params, &key).await?;
    sync(app, origin, id).await?;
    Ok(())
}
