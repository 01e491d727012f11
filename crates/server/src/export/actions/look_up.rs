//! Whether Stripe counted a meter event whose answer never came, once its identifier is no help any more.

use tollhouse_domain::{
    plan::Meter,
    time::Timestamp,
    usage::{MeterEventState, Quantity},
};
use tollhouse_stripe::{CustomerId, params::ListMeterEventSummaries};

use crate::{
    app::App,
    catalog::queries as catalog,
    error::{Error, Result, not_found},
    export::queries::{self, MeterEvent},
};

const MINUTE: i64 = 60;
/// Meter events of one tenant's meter that are told of one minute.
const EVENTS_MAX: i64 = 1000;

/// What looking came to.
pub(super) enum Found {
    Counted,
    /// Stripe counted the others of that minute, and not this one.
    Missing,
    /// What Stripe counted fits neither, and why.
    Unclear(String),
    /// Stripe does not say now.
    Later(String),
}

/// Compares what Stripe counted in the minute of the meter event with what we know it has.
pub(super) async fn look_up(app: &App, event: &MeterEvent) -> Result<Found> {
    let mut conn = app.db.read().await?;
    let meters = catalog::meters(&mut conn).await?;
    let meter = meters.into_iter().find(|row| row.code == event.meter);
    let definition: Option<Meter> = meter.map(|row| row.definition.to()).transpose()?;
    // Of the last value, a second one says the same.
    if definition.is_some_and(|meter| !meter.aggregation.is_added_up()) {
        return Ok(Found::Missing);
    }
    let from = floor(event.told_at);
    let minute = (from, from.plus_seconds(MINUTE));
    let whose = (event.tenant_id, event.meter.as_str());
    let known = queries::list_told(&mut conn, whose, minute, EVENTS_MAX).await?;
    drop(conn);
    let known = known
        .iter()
        .filter(|other| other.state == MeterEventState::Sent && other.id != event.id)
        .fold(Quantity::ZERO, |sum, other| sum.plus(other.quantity()));
    let customer = &event.stripe_customer_id;
    let counted = match value_at_stripe(app, &event.meter, customer, minute).await {
        Ok(counted) => counted,
        Err(error) => return Ok(Found::Later(cause(&error))),
    };
    Ok(match counted {
        Some(counted) if counted == known => Found::Missing,
        Some(counted) if counted == known.plus(event.quantity()) => Found::Counted,
        Some(counted) => Found::Unclear(format!(
            "Stripe counted {counted} in the minute of {}; without this one it is {known}, with it {}",
            event.told_at,
            known.plus(event.quantity())
        )),
        None => Found::Unclear("what Stripe counted cannot be read".to_owned()),
    })
}

/// What Stripe's meter comes to for a customer, in whole minutes; `None` where its number is none of ours.
///
/// # Errors
/// Stripe's; `NotFound` for a meter that was never pushed.
pub async fn value_at_stripe(
    app: &App,
    meter: &str,
    customer: &CustomerId,
    (from, to): (Timestamp, Timestamp),
) -> Result<Option<Quantity>> {
    let mut conn = app.db.read().await?;
    let meters = catalog::meters(&mut conn).await?;
    drop(conn);
    let found = meters.into_iter().find(|row| row.code == meter);
    let id = found.and_then(|row| row.stripe_meter_id);
    let id = id.ok_or_else(|| not_found("meter", meter))?;
    let params = ListMeterEventSummaries {
        customer: customer.clone(),
        start_time: from.as_second(),
        end_time: to.as_second(),
    };
    let summaries = app.stripe.list_meter_event_summaries(&id, &params).await?.data;
    let Some(summary) = summaries.first() else { return Ok(Some(Quantity::ZERO)) };
    Ok(Quantity::parse(summary.aggregated_value.get()).ok())
}

fn floor(moment: Timestamp) -> Timestamp {
    moment.plus_seconds(-moment.as_second().rem_euclid(MINUTE))
}

fn cause(error: &Error) -> String {
    match error {
        Error::StripeFailed(cause) | Error::StripeUnavailable(cause) => cause.to_string(),
        other => other.to_string(),
    }
}
