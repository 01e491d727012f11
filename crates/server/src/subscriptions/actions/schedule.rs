//! A change that waits for the end of the period: Stripe keeps it in a schedule.

use tollhouse_domain::{id::TenantId, refusal::Refusal, subscription::Status};
use tollhouse_stripe::{
    Error as StripeError, IdempotencyKey, ScheduleId, objects,
    params::{
        CreateSchedule, Duration, Enabled, LineItem, PhaseBilling, SchedulePhase, UpdateSchedule,
        UseDiscount,
    },
};
use uuid::Uuid;

use super::{
    change::{Change, Target, find_target},
    changeable_base, live_base, reread,
};
use crate::{
    app::App,
    error::{Conflict, Error, Result, invalid},
    record::Origin,
    subscriptions::{queries::Subscription, sync::sync},
};

/// Puts a change off to the end of the period, when nothing of it is prorated. A change that waited
/// already is replaced.
///
/// # Errors
/// `Conflict` where the subscription does not renew: in its trial, unpaid, or about to end.
pub async fn change_later(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
    wanted: &Change,
) -> Result<Subscription> {
    // A schedule may have been attached a moment ago, by a request that died half-way.
    let row = changeable_base(app, tenant).await?;
    sync(app, origin, &row.stripe_subscription_id).await?;
    let target = find_target(app, tenant, wanted).await?;
    let row = &target.row;
    refuse_unless_renewing(row)?;
    if target.lookup_key == row.price_lookup_key && i64::try_from(target.seats) == Ok(row.quantity)
    {
        return Err(invalid("plan", "is what the tenant has already"));
    }
    let schedule = find_or_create(app, row, work).await?;
    let params = UpdateSchedule {
        end_behavior: "release",
        proration_behavior: "none",
        phases: phases(row, &target)?,
    };
    let key = IdempotencyKey::of("schedule-change", work, &params);
    app.stripe.update_schedule(&schedule, &params, &key).await?;
    sync(app, origin, &row.stripe_subscription_id).await?;
    reread(app, row).await
}

fn refuse_unless_renewing(row: &Subscription) -> Result<()> {
    let sentence = match row.status {
        Status::Active if row.cancel_at.is_none() => return Ok(()),
        Status::Active => {
            "The subscription will end: take that back first, or there is no next period to change."
                .to_owned()
        }
        Status::Trialing => {
            "The subscription is `trialing`: change it now, nothing is charged before the trial ends."
                .to_owned()
        }
        other => {
            format!("The subscription is `{other}`: a change can wait only while it is `active`.")
        }
    };
    Err(Error::Conflict(Conflict::SubscriptionState, sentence))
}

/// The schedule that keeps the change that waits already; else a new one. A schedule whose change has
/// come, or that a process left behind half-way, makes room for it.
async fn find_or_create(app: &App, row: &Subscription, work: Uuid) -> Result<ScheduleId> {
    let attached = row.stripe_schedule_id.clone();
    if let Some(schedule) = attached.filter(|_| row.pending.is_some()) {
        return Ok(schedule);
    }
    release(app, row, work).await?;
    let params = CreateSchedule { from_subscription: row.stripe_subscription_id.clone() };
    // Of this version of the row: one that was made and taken away again is not made by the same key.
    let key = IdempotencyKey::new("create-schedule", format!("{work}-{}", row.version));
    Ok(app.stripe.create_schedule(&params, &key).await?.id)
}

/// The period that runs, as it is; then one period of what is wanted, after which it goes on by itself.
fn phases(row: &Subscription, target: &Target) -> Result<Vec<SchedulePhase>> {
    let stripe: objects::Subscription = row.stripe_object.to()?;
    let present = stripe.items.data.iter().map(|item| LineItem {
        price: item.price.id.clone(),
        quantity: item.quantity.and_then(|quantity| u64::try_from(quantity).ok()),
    });
    // A phase unsets what it does not name: what the subscription is billed by goes on in both.
    let billing = PhaseBilling {
        discounts: stripe.discount_ids().map(UseDiscount::keep).collect(),
        default_tax_rates: stripe.default_tax_rates(),
        automatic_tax: stripe.has_automatic_tax().then_some(Enabled { enabled: true }),
        default_payment_method: stripe.default_payment_method(),
    };
    Ok(vec![
        SchedulePhase {
            billing: billing.clone(),
            items: present.collect(),
            start_date: Some(row.period_start.as_second()),
            end_date: Some(row.period_end.as_second()),
            duration: None,
            proration_behavior: "none",
        },
        SchedulePhase {
            billing,
            items: target.to_have.clone(),
            start_date: None,
            end_date: None,
            duration: Some(Duration {
                interval: target.price.interval.as_str().to_owned(),
                interval_count: target.price.interval_count,
            }),
            proration_behavior: "none",
        },
    ])
}

/// Drops the change that waits.
///
/// # Errors
/// `NotSubscribed`; `Conflict` where none waits.
pub async fn drop_change(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
) -> Result<Subscription> {
    let row = live_base(app, tenant).await?;
    if row.pending.is_none() {
        let sentence = "No change waits for the end of the period: there is nothing to drop.";
        return Err(Error::Conflict(Conflict::SubscriptionState, sentence.to_owned()));
    }
    release(app, &row, work).await?;
    sync(app, origin, &row.stripe_subscription_id).await?;
    reread(app, &row).await
}

/// Takes a schedule away, where there is one: what it manages can be neither ended nor paused.
pub(super) async fn release(app: &App, row: &Subscription, work: Uuid) -> Result<()> {
    let Some(schedule) = &row.stripe_schedule_id else { return Ok(()) };
    let key = IdempotencyKey::new("release-schedule", format!("{work}-{schedule}"));
    match app.stripe.release_schedule(schedule, &key).await {
        // Not active any more: it holds nothing back.
        Ok(_) | Err(StripeError::Invalid { .. } | StripeError::Missing(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// # Errors
/// `ChangePending`: what is asked now would be undone by the change that waits.
pub(super) fn refuse_pending(row: &Subscription) -> Result<()> {
    if row.pending.is_some() { Err(Refusal::ChangePending.into()) } else { Ok(()) }
}
