//! What a subscription comes to in a month, told to those who count it.

use anyhow::anyhow;
use tollhouse_domain::{
    discount::Percent,
    id::SubscriptionId,
    revenue::{Reduction, is_counted, recurring},
    subscription::Status,
    time::Timestamp,
    usage::Window,
};
use tollhouse_stripe::objects::{self, Discount};

use super::{
    queries::{self, Subscription},
    terms::{Terms, find_terms},
};
use crate::{
    app::App,
    db::Tx,
    error::{Error, Result},
    events,
    revenue::{
        actions::{Moments, stand},
        days::queries::{Looked, looked, set_looked},
        queries::Revenue,
    },
};

/// Subscriptions looked at in one go.
const BATCH: i64 = 100;

/// Takes note of what a subscription comes to, in the transaction that writes it.
pub(super) async fn note(
    app: &App,
    tx: &mut Tx,
    row: &Subscription,
    terms: &Terms,
    stripe: &objects::Subscription,
) -> Result<()> {
    let now = app.clock.now();
    let sum = recurring(&terms.lines, &reductions(stripe, now))
        .ok_or_else(|| Error::Internal(anyhow!("what {} comes to is no amount", stripe.id)))?;
    let grace_days = app.config.billing.grace_period_days;
    let is_counted = is_counted(row.status, row.grace_started_at, grace_days, now);
    let revenue = Revenue {
        subscription_id: row.id,
        tenant_id: row.tenant_id,
        plan_code: row.plan_code.clone(),
        tier: terms.plan.tier().to_owned(),
        status: row.status,
        currency: row.currency,
        mrr: if is_counted { sum.per_month } else { 0 },
        renews_on: renews_at(row).map(|at| Window::Day.start(at)),
        renewal_amount: sum.per_period,
    };
    let trial_ended = row.trial_end.filter(|end| *end <= now);
    let moments = Moments {
        began: row.started_at.max(trial_ended.unwrap_or(Timestamp::MIN)).min(now),
        changed: row.ended_at.unwrap_or(now).min(now),
        had_trial: row.trial_end.is_some(),
    };
    Ok(stand(tx, &app.clock, &revenue, moments).await?)
}

fn renews_at(row: &Subscription) -> Option<Timestamp> {
    let goes_on = matches!(row.status, Status::Trialing | Status::Active | Status::PastDue);
    let ends = row.cancel_at.is_some_and(|end| end <= row.period_end);
    (goes_on && !ends).then_some(row.period_end)
}

/// The discounts that recur: what is taken off one invoice only is not off the revenue of a month.
fn reductions(stripe: &objects::Subscription, now: Timestamp) -> Vec<Reduction> {
    let lasts = |discount: &&Discount| discount.end.is_none_or(|end| end > now.as_second());
    stripe.discounts().filter(lasts).filter_map(reduction).collect()
}

fn reduction(discount: &Discount) -> Option<Reduction> {
    let coupon = discount.coupon().filter(|coupon| coupon.duration != "once")?;
    match (&coupon.percent_off, coupon.amount_off) {
        (Some(percent), _) => Percent::parse(percent).map(Reduction::Percent),
        (None, amount) => amount.map(Reduction::Amount),
    }
}

/// Takes note of some of the subscriptions that were there before revenue was; `false` when none is left.
///
/// # Errors
/// What the database says.
pub async fn look_at_some(app: &App) -> Result<bool> {
    let mut conn = app.db.read().await?;
    let Looked::To(after) = looked(&mut conn).await? else { return Ok(false) };
    let ids = queries::list_ids(&mut conn, after, BATCH).await?;
    drop(conn);
    for id in &ids {
        look_again(app, *id).await?;
    }
    let next = ids.last().map_or(Looked::AtAll, |last| Looked::To(Some(*last)));
    let mut tx = app.db.begin().await?;
    set_looked(&mut tx, next).await?;
    tx.commit().await?;
    Ok(next != Looked::AtAll)
}

/// Takes note of what a subscription comes to, as we have it. One whose price the catalog no longer has is left.
async fn look_again(app: &App, id: SubscriptionId) -> Result<()> {
    let mut conn = app.db.read().await?;
    let Some(seen) = queries::find(&mut conn, id).await? else { return Ok(()) };
    drop(conn);
    let stripe: objects::Subscription = seen.stripe_object.to()?;
    let terms = match find_terms(app, &stripe).await {
        Ok(terms) => terms,
        Err(error) => {
            tracing::warn!(subscription.id = %id, "what a subscription comes to is not known: {error}");
            return Ok(());
        }
    };
    let mut tx = app.db.begin().await?;
    events::queries::lock(&mut tx, seen.tenant_id).await?;
    // Who wrote meanwhile has taken note of it.
    if let Some(row) = queries::find(&mut tx, id).await?.filter(|row| row.version == seen.version) {
        note(app, &mut tx, &row, &terms, &stripe).await?;
    }
    Ok(tx.commit().await?)
}
