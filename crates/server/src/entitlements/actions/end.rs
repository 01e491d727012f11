//! What becomes of a reservation: what was used of it is counted, or it is given back.

use serde_json::json;
use tollhouse_domain::{
    entitlement::ReservationState,
    id::{ReservationId, TenantId, UsageEventId},
    plan::Aggregation,
    usage::Quantity,
};

use crate::{
    app::App,
    db::Tx,
    entitlements::queries::{self, Reservation, Wanted, What},
    error::{Conflict, Error, Result, invalid, not_found},
    record::{Done, Often, Origin, Subject, record_often},
    usage::{
        Onward, Submission,
        actions::{Outcome, Report, count},
    },
};

/// Counts what was used of a reservation, all of it where nothing is said, and holds nothing any more. Both
/// are one transaction, and the usage bears the reservation's id as its key: whoever settles again changes
/// nothing and gets the same answer.
///
/// # Errors
/// `NotFound`; `ReservationOver` where it was released or its time is over; `Invalid` for more than is held.
pub async fn settle(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    id: ReservationId,
    used: Option<Quantity>,
) -> Result<Reservation> {
    let mut tx = app.db.begin().await?;
    let held = get_to_end(&mut tx, tenant, id).await?;
    if held.state == ReservationState::Settled {
        return Ok(held);
    }
    refuse_if_over(app, &held)?;
    let used = used.unwrap_or_else(|| held.quantity());
    if used > held.quantity() {
        let message = format!(
            "must not be more than is held ({}): report what goes beyond as usage",
            held.quantity()
        );
        return Err(invalid("quantity", message));
    }
    queries::lock(&mut tx, &[(tenant, &held.meter)]).await?;
    if used > Quantity::ZERO {
        count_used(app, &mut tx, origin, &held, used).await?;
    }
    let settled = queries::settle(&mut tx, id, used, app.clock.now()).await?;
    audit(app, &mut tx, origin, &settled, "reservation.settle").await?;
    tx.commit().await?;
    Ok(settled)
}

/// By the way in that every report goes.
async fn count_used(
    app: &App,
    tx: &mut Tx,
    origin: &Origin,
    held: &Reservation,
    used: Quantity,
) -> Result<()> {
    let wanted =
        Wanted { tenant_id: held.tenant_id, meter: held.meter.clone(), what: What::Aggregation };
    let now = app.clock.now();
    let found = queries::read(tx, &[wanted], now).await?.pop();
    let counts_reports = found.and_then(|found| found.aggregation) == Some(Aggregation::Count);
    if counts_reports && used != Quantity::ONE {
        return Err(invalid("quantity", "must be 0 or 1: the meter counts reports"));
    }
    let report = Report {
        id: UsageEventId::from_uuid(app.clock.new_id()),
        tenant: held.tenant_id,
        meter: held.meter.clone(),
        quantity: Some(used),
        properties: None,
        key: format!("reservation:{}", held.id),
        occurred_at: now,
        received_at: now,
    };
    let submission = Submission { origin: origin.clone(), reports: vec![report] };
    let outcomes = count(tx, &app.clock, &[submission], Onward::of(&app.config)).await?;
    match outcomes.into_iter().flatten().next() {
        Some(Outcome::Refused(refused)) => Err(refused.into()),
        Some(Outcome::Counted(_) | Outcome::Duplicate(_)) => Ok(()),
        None => Err(Error::Unavailable("the usage was not answered for")),
    }
}

/// Gives a reservation back unused. One that holds nothing any more is as good as given back.
///
/// # Errors
/// `NotFound`; `ReservationOver` where it was settled: what was used, was used.
pub async fn release(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    id: ReservationId,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let held = get_to_end(&mut tx, tenant, id).await?;
    match held.state {
        ReservationState::Released => return Ok(()),
        ReservationState::Settled => return Err(over("was settled: what was used, was used")),
        ReservationState::Held => {}
    }
    queries::release(&mut tx, id, app.clock.now()).await?;
    audit(app, &mut tx, origin, &held, "reservation.release").await?;
    Ok(tx.commit().await?)
}

async fn get_to_end(tx: &mut Tx, tenant: TenantId, id: ReservationId) -> Result<Reservation> {
    let found = queries::find_to_end(tx, tenant, id).await?;
    found.ok_or_else(|| not_found("reservation", id))
}

fn refuse_if_over(app: &App, held: &Reservation) -> Result<()> {
    if held.state == ReservationState::Released {
        return Err(over("was released: report what was used all the same as usage"));
    }
    if held.expires_at <= app.clock.now() {
        return Err(over(
            "held until its time was over: report what was used all the same as usage",
        ));
    }
    Ok(())
}

fn over(what: &str) -> Error {
    Error::Conflict(Conflict::ReservationOver, format!("The reservation {what}."))
}

async fn audit(
    app: &App,
    tx: &mut Tx,
    origin: &Origin,
    reservation: &Reservation,
    action: &'static str,
) -> Result<()> {
    let subject = Subject::new("reservation", reservation.id);
    let data = json!({
        "meter": reservation.meter,
        "quantity": reservation.quantity(),
        "settled_quantity": reservation.settled(),
    });
    let done = Done { action, subject: &subject, data: &data, at: app.clock.now() };
    let row = Often { origin: origin.clone(), tenant: Some(reservation.tenant_id), done };
    Ok(record_often(tx, &app.clock, &[row]).await?)
}
