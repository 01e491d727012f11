//! Halting a subscription, and letting it go on.
//!
//! While it is paused nothing is billed, and it grants nothing: entitlements, new slots and its add-ons
//! rest, what exists stays, and usage that is reported meanwhile is kept but never billed. The time that
//! was paid for and not used is credited. When it goes on, it keeps its dates, and what is left of the
//! period is charged at once.

use tollhouse_domain::{id::TenantId, refusal::Refusal, subscription::Status};
use tollhouse_stripe::{
    IdempotencyKey,
    params::{AnchorChange, PauseSubscription, ResumeSubscription},
};
use uuid::Uuid;

use super::{changeable_base, follow_all, reread, schedule};
use crate::{
    app::App,
    error::{Conflict, Error, Result},
    record::Origin,
    subscriptions::{queries::Subscription, sync::sync},
};

/// Halts the tenant's subscription and its add-ons, until it is resumed.
///
/// # Errors
/// `NotSubscribed`; `TenantNotActive`; `ChangePending`; `Conflict` where it does not run.
pub async fn pause(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
) -> Result<Subscription> {
    let row = changeable_base(app, tenant).await?;
    schedule::refuse_pending(&row)?;
    match row.status {
        Status::Paused => return Ok(row),
        Status::Active | Status::Trialing if row.cancel_at.is_some() => {
            let sentence = "The subscription will end: take that back first, then pause it.";
            return Err(Error::Conflict(Conflict::SubscriptionState, sentence.to_owned()));
        }
        Status::Active | Status::Trialing => {}
        other => {
            let sentence = format!(
                "The subscription is `{other}`: it can be paused while it is `active` or `trialing`."
            );
            return Err(Error::Conflict(Conflict::SubscriptionState, sentence));
        }
    }
    schedule::release(app, &row, work).await?;
    pause_at_stripe(app, &row, IdempotencyKey::new("pause-subscription", work)).await?;
    sync(app, origin, &row.stripe_subscription_id).await?;
    follow_all(app, origin, tenant).await;
    reread(app, &row).await
}

/// Lets a paused subscription and its add-ons go on.
pub(super) async fn unpause(
    app: &App,
    origin: &Origin,
    row: &Subscription,
    work: Uuid,
) -> Result<Subscription> {
    if !has_card(app, row).await? {
        return Err(Refusal::NoPaymentMethod.into());
    }
    resume_at_stripe(app, row, IdempotencyKey::new("resume-subscription", work)).await?;
    sync(app, origin, &row.stripe_subscription_id).await?;
    follow_all(app, origin, row.tenant_id).await;
    reread(app, row).await
}

/// Whether there is anything to charge; without, Stripe would leave it paused beside an open invoice.
async fn has_card(app: &App, row: &Subscription) -> Result<bool> {
    let stripe = app.stripe.retrieve_subscription(&row.stripe_subscription_id).await?.object;
    if stripe.default_payment_method().is_some() {
        return Ok(true);
    }
    let customer = app.stripe.retrieve_customer(&stripe.customer()).await?.object;
    Ok(customer.default_payment_method().is_some())
}

pub(super) async fn pause_at_stripe(
    app: &App,
    row: &Subscription,
    key: IdempotencyKey,
) -> Result<()> {
    let params =
        PauseSubscription { r#type: "subscription", invoicing_behavior: "pending_invoice_item" };
    app.stripe.pause_subscription(&row.stripe_subscription_id, &params, &key).await?;
    Ok(())
}

pub(super) async fn resume_at_stripe(
    app: &App,
    row: &Subscription,
    key: IdempotencyKey,
) -> Result<()> {
    let params = ResumeSubscription {
        billing_cycle_anchor: AnchorChange { r#type: "unchanged" },
        proration_behavior: Some("always_invoice"),
    };
    app.stripe.resume_subscription(&row.stripe_subscription_id, &params, &key).await?;
    Ok(())
}
