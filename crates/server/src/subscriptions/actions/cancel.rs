//! Now, or at the end of the period; and thinking again.

use tollhouse_domain::id::TenantId;
use tollhouse_stripe::{
    IdempotencyKey,
    params::{CancelSubscription, CancellationDetails, UpdateSubscription},
};
use uuid::Uuid;

use super::{live_base, reread};
use crate::{
    app::App,
    error::Result,
    record::Origin,
    subscriptions::{queries::Subscription, sync::sync},
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

/// Ends the tenant's subscription, now or at the end of its period.
///
/// # Errors
/// `NotSubscribed` where there is nothing to end.
pub async fn cancel(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
    wanted: Cancel,
) -> Result<Subscription> {
    let row = live_base(app, tenant).await?;
    let key = IdempotencyKey::new("cancel-subscription", work);
    let details = (wanted.reason.is_some() || wanted.comment.is_some())
        .then_some(CancellationDetails { comment: wanted.comment, feedback: wanted.reason });
    let id = &row.stripe_subscription_id;
    let asked = match wanted.at {
        At::Now => {
            let params = CancelSubscription { cancellation_details: details };
            app.stripe.cancel_subscription(id, &params, &key).await
        }
        At::PeriodEnd => {
            let params = UpdateSubscription {
                cancel_at_period_end: Some(true),
                cancellation_details: details,
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

/// Lets the subscription go on after its period: takes back an end, in whichever of Stripe's two ways it
/// was set (the portal sets `cancel_at`, we set `cancel_at_period_end`).
///
/// # Errors
/// `NotSubscribed` where there is nothing to go on.
pub async fn renew(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
) -> Result<Subscription> {
    let row = live_base(app, tenant).await?;
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
    reread(app, &row).await
}
