//! Making an add-on follow its base, step by step, until `domain::addon` finds nothing to do.

use anyhow::anyhow;
use tollhouse_domain::{
    addon::{EndOf, Step, step},
    id::{SubscriptionId, TenantId},
    plan::Plan,
    time::Timestamp,
};
use tollhouse_stripe::{
    Error as StripeError, IdempotencyKey,
    objects::{InvoiceStatus, Metadata, Subscription as StripeSubscription},
    params::{CancelSubscription, UpdateSubscription},
};

use super::{
    addons::{self},
    granting::plan_of,
    pause, realign,
};
use crate::{
    app::App,
    error::{Error, Result},
    record::Origin,
    subscriptions::{
        FOLLOWS_END,
        due::queries::{self as due_queries, Due},
        queries::{self, Subscription},
        sync::sync,
    },
};

/// More steps than this in one go mean that Stripe and the rule disagree.
const STEPS_MAX: u32 = 6;
/// Stripe renews what is due within this.
const WAIT_SECONDS: i64 = 60;
/// After this long another instance may take over an add-on that one has claimed.
const CLAIM_SECONDS: i64 = 120;

/// Makes the add-ons of a tenant follow now, where their base has changed. What fails is left to the task,
/// which has it written down.
pub async fn follow_all(app: &App, origin: &Origin, tenant: TenantId) {
    let Ok(addons) = addons::list_addons(app, tenant).await else { return };
    for addon in addons {
        if let Err(error) = follow_claimed(app, origin, addon.id).await {
            tracing::warn!(subscription.id = %addon.id, "an add-on will follow later: {error}");
        }
    }
}

async fn follow_claimed(app: &App, origin: &Origin, id: SubscriptionId) -> Result<()> {
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let due = due_queries::find_due_addon(&mut conn, id, now).await?;
    drop(conn);
    match due {
        Some(due) => follow_due(app, origin, &due).await,
        None => Ok(()),
    }
}

/// Claims an add-on that is due, and makes it follow. Where somebody else has claimed it, nothing is done.
///
/// # Errors
/// As [`follow`]; the add-on then stays claimed for a while, and is due again.
pub async fn follow_due(app: &App, origin: &Origin, due: &Due) -> Result<()> {
    let until = app.clock.now().plus_seconds(CLAIM_SECONDS);
    let mut tx = app.db.begin().await?;
    let claimed = due_queries::claim_addon(&mut tx, due, until).await?;
    tx.commit().await?;
    if !claimed {
        return Ok(());
    }
    let next = follow(app, origin, due.id).await?;
    let mut tx = app.db.begin().await?;
    due_queries::settle_addon(&mut tx, due.id, until, next).await?;
    Ok(tx.commit().await?)
}

/// Makes an add-on follow its base; answers when to look again, if that is needed.
///
/// Both are fetched first, so that a step that was done before somebody died is not done twice.
///
/// # Errors
/// What Stripe says; and where the steps come to no end.
async fn follow(app: &App, origin: &Origin, id: SubscriptionId) -> Result<Option<Timestamp>> {
    let Some((addon, base)) = both(app, origin, id).await? else { return Ok(None) };
    sync(app, origin, &base.stripe_subscription_id).await?;
    sync(app, origin, &addon.stripe_subscription_id).await?;
    let mut last = Step::Nothing;
    for _ in 0..STEPS_MAX {
        let Some((addon, base)) = both(app, origin, id).await? else { return Ok(None) };
        let fits = addons::may_join(&find_plan(app, &addon).await?, &base.plan_code);
        let own = !metadata(&addon)?.contains_key(FOLLOWS_END);
        let end_of = if own { EndOf::Addon } else { EndOf::Base };
        let now = app.clock.now();
        let next = step(&base.course(), &addon.course(), fits, end_of, now);
        match next {
            Step::Nothing => return Ok(None),
            Step::Wait => return Ok(Some(now.plus_seconds(WAIT_SECONDS))),
            _ if next == last => break,
            _ => take(app, origin, next, &addon).await?,
        }
        last = next;
        sync(app, origin, &addon.stripe_subscription_id).await?;
    }
    Err(Error::Internal(anyhow!("add-on {id} does not come to follow its base after {last:?}")))
}

/// The add-on and its base; `None` where it has none, which only another program can have brought about.
async fn both(
    app: &App,
    origin: &Origin,
    id: SubscriptionId,
) -> Result<Option<(Subscription, Subscription)>> {
    let mut conn = app.db.read().await?;
    let Some(mut addon) = queries::find(&mut conn, id).await? else { return Ok(None) };
    if addon.parent_id.is_none() {
        // Seen before its base was: by now we may know that.
        drop(conn);
        sync(app, origin, &addon.stripe_subscription_id).await?;
        conn = app.db.read().await?;
        let Some(again) = queries::find(&mut conn, id).await? else { return Ok(None) };
        addon = again;
    }
    let Some(parent) = addon.parent_id else { return Ok(None) };
    let base = queries::find(&mut conn, parent).await?;
    Ok(base.map(|base| (addon, base)))
}

async fn find_plan(app: &App, addon: &Subscription) -> Result<Plan> {
    let mut conn = app.db.read().await?;
    plan_of(&mut conn, addon).await
}

pub(super) fn metadata(addon: &Subscription) -> Result<Metadata> {
    Ok(addon.stripe_object.to::<StripeSubscription>()?.metadata)
}

async fn take(app: &App, origin: &Origin, next: Step, addon: &Subscription) -> Result<()> {
    match next {
        Step::Nothing | Step::Wait => Ok(()),
        Step::End => end_now(app, addon, false).await,
        Step::EndWithCredit => end_now(app, addon, true).await,
        Step::EndAt(moment, whose) => set_end(app, addon, Some(moment), whose).await,
        Step::GoOn => set_end(app, addon, None, EndOf::Base).await,
        Step::Pause => pause::pause_at_stripe(app, addon, key("addon-pause", addon)).await,
        Step::Resume => pause::resume_at_stripe(app, addon, key("addon-resume", addon)).await,
        Step::Realign => realign::realign(app, origin, addon).await,
    }
}

/// Of what is to be done to this version of it: the same step after another change is another call.
fn key(verb: &'static str, addon: &Subscription) -> IdempotencyKey {
    IdempotencyKey::new(verb, format!("{}-{}", addon.id, addon.version))
}

/// Ends an add-on. Only what was paid is credited: Stripe itself would credit an unpaid period too. What
/// was not is no longer collected once it is over.
pub(super) async fn end_now(app: &App, addon: &Subscription, credits: bool) -> Result<()> {
    let credits = credits && is_paid(app, addon).await?;
    let waits = credits || addon.status == tollhouse_domain::Status::Paused;
    let params = CancelSubscription {
        prorate: credits.then_some(true),
        invoice_now: waits.then_some(true),
        cancellation_details: None,
    };
    let id = &addon.stripe_subscription_id;
    match app.stripe.cancel_subscription(id, &params, &key("addon-end", addon)).await {
        // Over already: the sync that follows brings it in.
        Ok(_) | Err(StripeError::Missing(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the invoice of the period that runs is paid, as Stripe says now.
async fn is_paid(app: &App, addon: &Subscription) -> Result<bool> {
    let stripe: StripeSubscription = addon.stripe_object.to()?;
    let Some(invoice) = stripe.latest_invoice else { return Ok(false) };
    let invoice = app.stripe.retrieve_invoice(&invoice.0).await?.object;
    Ok(invoice.status == Some(InvoiceStatus::Paid))
}

/// Sets the end, or takes it back; in the same call it is noted whose end it is.
async fn set_end(
    app: &App,
    addon: &Subscription,
    end: Option<Timestamp>,
    whose: EndOf,
) -> Result<()> {
    let noted = if end.is_some() && whose == EndOf::Base { "true" } else { "" };
    let mut params = UpdateSubscription {
        metadata: [(FOLLOWS_END.to_owned(), noted.to_owned())].into(),
        ..UpdateSubscription::default()
    };
    match end {
        Some(end) => params.cancel_at = Some(end.as_second().to_string()),
        None if addon.cancel_at_period_end => params.cancel_at_period_end = Some(false),
        None => params.cancel_at = Some(String::new()),
    }
    let id = &addon.stripe_subscription_id;
    app.stripe.update_subscription(id, &params, &key("addon-set-end", addon)).await?;
    Ok(())
}
