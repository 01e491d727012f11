//! Now, or at the end of the period; and thinking again.

use tollhouse_domain::{id::TenantId, subscription::Status};
use tollhouse_stripe::{
    IdempotencyKey,
    params::{CancelSubscription, CancellationDetails, UpdateSubscription},
};
use uuid::Uuid;

use super::{changeable_base, follow_all, live_base, pause, reread, schedule};
use crate::{
    app::App,
    error::{Conflict, Error, Result},
    record::Origin,
    subscriptions::{FOLLOWS_END, queries::Subscription, sync::sync},
};

/// When a subscription is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Now,
    /// Access stays until then.
    PeriodEnd,
}

/// An end that somebody wants.
pub struct Cancel {
    pub at: At,
    /// One of Stripe's words for why.
    pub reason: Option<String>,
    pub comment: Option<String>,
}

/// Ends the tenant's subscription and its add-ons, now or at the end of its period. A change that waited
/// for that end is dropped.
///
/// # Errors
/// `NotSubscribed` where there is nothing to end; `Conflict` where it has no period that could end.
pub async fn cancel(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
    wanted: Cancel,
) -> Result<Subscription> {
    let row = live_base(app, tenant).await?;
    cancel_base(app, origin, row, work, wanted).await
}

/// Ends this base subscription and its add-ons, as [`cancel`] does.
///
/// # Errors
/// `Conflict` where it has no period that could end.
pub async fn cancel_base(
    app: &App,
    origin: &Origin,
    row: Subscription,
    work: Uuid,
    wanted: Cancel,
) -> Result<Subscription> {
    if wanted.at == At::PeriodEnd {
        refuse_without_period(&row)?;
        schedule::release(app, &row, work).await?;
    }
    let row = end(app, origin, row, work, wanted).await?;
    follow_all(app, origin, row.tenant_id).await;
    Ok(row)
}

pub(super) fn refuse_without_period(row: &Subscription) -> Result<()> {
    if matches!(row.status, Status::Active | Status::Trialing | Status::PastDue) {
        return Ok(());
    }
    let sentence = format!(
        "The subscription is `{}`: no paid period runs that could end. End it now.",
        row.status
    );
    Err(Error::Conflict(Conflict::SubscriptionState, sentence))
}

/// Ends one subscription, base or add-on.
pub async fn end(
    app: &App,
    origin: &Origin,
    row: Subscription,
    work: Uuid,
    wanted: Cancel,
) -> Result<Subscription> {
    let key = IdempotencyKey::new("cancel-subscription", work);
    let details = (wanted.reason.is_some() || wanted.comment.is_some())
        .then_some(CancellationDetails { comment: wanted.comment, feedback: wanted.reason });
    let id = &row.stripe_subscription_id;
    let asked = match wanted.at {
        At::Now => {
            let params = CancelSubscription {
                cancellation_details: details,
                // What a pause has credited waits for the next invoice, and there is none after this.
                invoice_now: (row.status == Status::Paused).then_some(true),
                ..CancelSubscription::default()
            };
            app.stripe.cancel_subscription(id, &params, &key).await
        }
        At::PeriodEnd => {
            let params = UpdateSubscription {
                cancel_at_period_end: Some(true),
                cancellation_details: details,
                // An end of an add-on's own is not taken back with that of its base.
                metadata: [(FOLLOWS_END.to_owned(), String::new())].into(),
                ..UpdateSubscription::default()
            };
            app.stripe.update_subscription(id, &params, &key).await
        }
    };
    // Refused, or repeated without an answer: the sync shows whether it is over already.
    sync(app, origin, id).await?;
    let row = reread(app, &row).await?;
    match asked {
        Err(error) if row.status.is_live() => Err(error.into()),
        _ => Ok(row),
    }
}

/// Thinking again: lets a paused subscription go on, or else takes back an end that has not come.
///
/// # Errors
/// `NotSubscribed` where there is nothing to go on; `TenantNotActive`.
pub async fn resume(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
) -> Result<Subscription> {
    let row = changeable_base(app, tenant).await?;
    if row.status == Status::Paused {
        return pause::unpause(app, origin, &row, work).await;
    }
    switch_renewal_on(app, origin, tenant, work).await
}

/// Lets the subscription and its add-ons go on after the period: takes back an end, in whichever of
/// Stripe's two ways it was set (the portal sets `cancel_at`, we set `cancel_at_period_end`).
///
/// # Errors
/// `NotSubscribed` where there is nothing to go on; `TenantNotActive`.
pub async fn switch_renewal_on(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
) -> Result<Subscription> {
    let row = changeable_base(app, tenant).await?;
    // An end may have been set in Stripe's portal a moment ago.
    sync(app, origin, &row.stripe_subscription_id).await?;
    let row = reread(app, &row).await?;
    if row.cancel_at.is_none() {
        return Ok(row);
    }
    let params = if row.cancel_at_period_end {
        UpdateSubscription { cancel_at_period_end: Some(false), ..UpdateSubscription::default() }
    } else {
        UpdateSubscription { cancel_at: Some(String::new()), ..UpdateSubscription::default() }
    };
    let key = IdempotencyKey::new("renew-subscription", work);
    app.stripe.update_subscription(&row.stripe_subscription_id, &params, &key).await?;
    sync(app, origin, &row.stripe_subscription_id).await?;
    follow_all(app, origin, tenant).await;
    reread(app, &row).await
}
