//! One object against Stripe: what we say of it, the sync, what we say then, and what is left to a person.

pub mod picture;
pub mod queries;

use tollhouse_domain::{
    id::{DriftId, RunId, TenantId},
    plan::PlanKind,
    reconcile::DriftState,
};

use self::{
    picture::{Difference, Picture, differences, picture},
    queries::Drift,
};
use crate::{
    app::App,
    db::{DbError, Json, Tx},
    error::{Error, Result},
    record::{Done, Origin, Subject, record_platform},
    subscriptions,
    sync::Synced,
    webhooks::{
        dispatch::{self, Target},
        queries as webhooks,
    },
};

/// What became of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// We said the same; or we will by a webhook that waits already.
    Same,
    /// It belongs to nobody we know.
    NotOurs,
    /// We said something else, and say the same now.
    Changed,
    /// We cannot say the same before a person has done something.
    NeedsPerson,
    /// A customer of Stripe's is a tenant now.
    TenantMade,
}

/// One object to be compared.
#[derive(Clone, Debug)]
pub struct Suspect {
    pub run: RunId,
    pub target: Target,
    /// Stripe's.
    pub id: String,
    /// How a difference came, where it is found.
    pub reason: String,
    /// Webhooks about it that never came.
    pub lost: i64,
    /// Whether Stripe says that it is over; then it can only be compared with what is not over here.
    pub is_over: bool,
    /// Whether a difference is worth a row: what an import finds is new, not drifted.
    pub is_drift: bool,
}

/// Compares one object by the same sync as a webhook's, and writes down what differed.
///
/// # Errors
/// What would stop any other object too: Stripe or the database does not answer.
pub async fn examine(app: &App, suspect: &Suspect) -> Result<Verdict> {
    let Suspect { target, id, .. } = suspect;
    let before = picture(app, *target, id).await?;
    let mut conn = app.db.read().await?;
    let open = queries::find_open(&mut conn, kind(*target), id).await?;
    let is_awaited = webhooks::is_awaited(&mut conn, id).await?;
    drop(conn);
    let was_over = before.as_ref().is_some_and(|before| before.is_over);
    if suspect.is_over && was_over && open.is_none() {
        return Ok(Verdict::Same);
    }
    let obstacle = match dispatch::sync(app, *target, id).await {
        Ok(Synced::Done) => second_base(app, *target, id).await?,
        Ok(Synced::NotOurs(_)) => return Ok(Verdict::NotOurs),
        Ok(Synced::Kept(why)) => Some(why.to_owned()),
        Err(error) if stops_everything(&error) => return Err(error),
        Err(error) => Some(cause(&error)),
    };
    let after = picture(app, *target, id).await?;
    let found = differences(before.as_ref(), after.as_ref());
    let tenant = after.as_ref().or(before.as_ref()).and_then(|picture| picture.tenant);
    if let Some(obstacle) = obstacle {
        leave_to_a_person(app, suspect, tenant, &found, open, &obstacle).await?;
        return Ok(Verdict::NeedsPerson);
    }
    if let Some(open) = &open {
        settle(app, &Origin::system(), open, DriftState::Healed).await?;
    }
    if found.is_empty() || is_awaited {
        return Ok(Verdict::Same);
    }
    if suspect.is_drift && open.is_none() {
        let row = row(app, suspect, tenant, DriftState::Healed, &found, &suspect.reason)?;
        let mut tx = app.db.begin().await?;
        queries::insert(&mut tx, &row).await?;
        tell(app, &Origin::system(), &mut tx, "drift.heal", &row).await?;
        tx.commit().await?;
    }
    Ok(Verdict::Changed)
}

/// Writes down what a person has to do, or that it is still to be done.
pub async fn leave_to_a_person(
    app: &App,
    suspect: &Suspect,
    tenant: Option<TenantId>,
    found: &[Difference],
    open: Option<Drift>,
    obstacle: &str,
) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(open) = open {
        queries::see_again(&mut tx, open.id, obstacle, now).await?;
        return Ok(tx.commit().await?);
    }
    let row = row(app, suspect, tenant, DriftState::NeedsPerson, found, obstacle)?;
    if queries::insert(&mut tx, &row).await? {
        tracing::warn!(drift.id = %row.id, drift.object = row.object_id, drift.reason = row.reason,
            "an object differs from Stripe and waits for a person");
        tell(app, &Origin::system(), &mut tx, "drift.needs_person", &row).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Ends what waited for a person; `false` where it was ended meanwhile.
pub async fn settle(app: &App, origin: &Origin, open: &Drift, state: DriftState) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    if !queries::settle(&mut tx, open.id, state, app.clock.now()).await? {
        return Ok(false);
    }
    let action = if state == DriftState::Resolved { "drift.resolve" } else { "drift.heal" };
    tell(app, origin, &mut tx, action, open).await?;
    tx.commit().await?;
    Ok(true)
}

fn row(
    app: &App,
    suspect: &Suspect,
    tenant: Option<TenantId>,
    state: DriftState,
    found: &[Difference],
    reason: &str,
) -> Result<Drift> {
    let now = app.clock.now();
    Ok(Drift {
        id: DriftId::from_uuid(app.clock.new_id()),
        run_id: suspect.run,
        object_kind: kind(suspect.target).to_owned(),
        object_id: suspect.id.clone(),
        tenant_id: tenant,
        state,
        differences: Json::of(&found)?,
        reason: reason.to_owned(),
        found_at: now,
        seen_at: now,
        settled_at: (state != DriftState::NeedsPerson).then_some(now),
    })
}

async fn tell(
    app: &App,
    origin: &Origin,
    tx: &mut Tx,
    action: &'static str,
    row: &Drift,
) -> Result<()> {
    let data = serde_json::json!({
        "object": row.object_kind,
        "object_id": row.object_id,
        "tenant_id": row.tenant_id,
        "reason": row.reason,
        "differences": row.differences,
    });
    let subject = Subject::new("drift", row.id);
    let done = Done { action, subject: &subject, data: &data, at: app.clock.now() };
    record_platform(tx, app, origin, done).await
}

/// A tenant pays for one base plan. The newest of two is shown to a person, who alone knows which to end.
async fn second_base(app: &App, target: Target, id: &str) -> Result<Option<String>> {
    if target != Target::Subscription {
        return Ok(None);
    }
    let Some(Picture { tenant: Some(tenant), .. }) = picture(app, target, id).await? else {
        return Ok(None);
    };
    let mut conn = app.db.read().await?;
    let live = subscriptions::queries::list_live(&mut conn, tenant).await?;
    let bases: Vec<&str> = live
        .iter()
        .filter(|row| row.kind == PlanKind::Base)
        .map(|row| row.stripe_subscription_id.as_str())
        .collect();
    Ok(match bases.as_slice() {
        [newest, others @ ..] if *newest == id && !others.is_empty() => Some(format!(
            "tenant {tenant} pays for {newest} and for {} at once: cancel in Stripe what it did not mean to buy",
            others.join(", ")
        )),
        _ => None,
    })
}

/// Whether it says nothing of this object: any other would meet it too, and it goes by itself.
pub fn stops_everything(error: &Error) -> bool {
    match error {
        Error::StripeUnavailable(_)
        | Error::NotConfigured
        | Error::Unavailable(_)
        | Error::TimedOut => true,
        Error::StripeFailed(cause) => cause.is_transient(),
        Error::Internal(cause) => cause.is::<DbError>(),
        _ => false,
    }
}

/// The cause for people; it holds no payload.
pub fn cause(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}

/// What the object is called in Stripe's words.
pub const fn kind(target: Target) -> &'static str {
    match target {
        Target::Customer => "customer",
        Target::Checkout => "checkout.session",
        Target::Subscription => "subscription",
        Target::Schedule => "subscription_schedule",
        Target::Invoice => "invoice",
        Target::Cards => "payment_methods",
        Target::Card => "payment_method",
        Target::InvoicePayment => "invoice_payment",
        Target::CreditNote => "credit_note",
        Target::Charge => "charge",
        Target::Refund => "refund",
        Target::Dispute => "dispute",
        Target::Coupon => "coupon",
        Target::PromotionCode => "promotion_code",
        Target::MeterEvents => "billing.meter_events",
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use tollhouse_stripe::Error as StripeError;

    use super::*;

    #[test]
    fn what_any_object_would_meet_stops_the_run_and_the_rest_is_of_one_object() {
        let stripe = |error: StripeError| Error::from(error);
        let missing = || StripeError::Missing("No such subscription".to_owned());
        for (error, stops) in [
            (stripe(StripeError::Limited(String::new())), true),
            (stripe(StripeError::Unavailable(String::new())), true),
            (stripe(StripeError::Unauthorized(String::new())), true),
            (stripe(StripeError::Unconfigured), true),
            (Error::from(DbError::PoolTimedOut), true),
            (Error::from(DbError::RowNotFound), true),
            (stripe(missing()), false),
            (Error::Internal(anyhow!("no price of our catalog")), false),
        ] {
            assert_eq!(stops_everything(&error), stops, "{error:?}");
        }
        assert_eq!(cause(&stripe(missing())), "missing: No such subscription");
    }
}
