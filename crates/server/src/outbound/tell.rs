//! One attempt to tell an endpoint of the next event of a lane, and what follows of it.

use serde_json::json;
use tollhouse_domain::{event::EventType, time::Timestamp};

use super::{
    deliveries::queries::{self as deliveries, Delivery, State},
    lanes::queries::{self as lanes, Lane},
    message::{Attempt, Message},
    queries::{self, Endpoint},
    schedule::next_attempt,
    sender::Verdict,
};
use crate::{
    app::App,
    db::Tx,
    error::Result,
    events::queries::Event,
    record::{Done, Happened, Origin, Subject, record, record_platform},
};

/// After this long another worker may claim the same lane; longer than one attempt takes.
pub const CLAIM_SECONDS: i64 = 60;
/// An endpoint that took nothing for this long is disabled.
const FAILING_DAYS_MAX: i64 = 5;

/// Tells the endpoint of the event. `false` where the lane is to be left: the event waits for its next attempt,
/// or somebody else has the lane.
pub async fn tell(app: &App, endpoint: &Endpoint, lane: &mut Lane, event: &Event) -> Result<bool> {
    let attempt = Message::of(event)?.send(app, endpoint).await?;
    let now = app.clock.now();
    let taken = attempt.answer.verdict == Verdict::Taken;
    let since = lane.failing_since.unwrap_or(attempt.at);
    let asked = attempt.answer.retry_after;
    let next = next_attempt(since, now, lane.attempts + 1, asked, app.clock.seed());
    let next = next.filter(|_| !taken);
    let state = match next {
        Some(_) => State::Pending,
        None if taken => State::Delivered,
        None => State::Dead,
    };
    let mut tx = app.db.begin().await?;
    if taken {
        queries::end_failing(&mut tx, endpoint.id).await?;
    } else if !note_failure(app, &mut tx, endpoint, &attempt).await? {
        return Ok(false); // The endpoint was deleted meanwhile.
    }
    let after = match next {
        None => Lane { sequence: event.sequence, attempts: 0, failing_since: None, ..lane.clone() },
        // The same event again, later: whoever comes by then may have the lane.
        Some(_) => Lane {
            sequence: event.sequence - 1,
            attempts: lane.attempts + 1,
            failing_since: Some(since),
            ..lane.clone()
        },
    };
    let claim = next.is_none().then(|| now.plus_seconds(CLAIM_SECONDS));
    if !lanes::write(&mut tx, &after, claim, next.unwrap_or(now)).await? {
        tracing::warn!(endpoint.id = %endpoint.id, event.id = %event.id, "a claim ran out before its end");
        return Ok(false);
    }
    let delivery = delivery(endpoint, event, attempt, state, next);
    deliveries::put(&mut tx, &delivery).await?;
    tx.commit().await?;
    log(&delivery);
    *lane = after;
    lane.claimed_until = claim.unwrap_or(lane.claimed_until);
    Ok(claim.is_some())
}

/// An attempt as it is kept.
pub fn delivery(
    endpoint: &Endpoint,
    event: &Event,
    attempt: Attempt,
    state: State,
    next: Option<Timestamp>,
) -> Delivery {
    Delivery {
        endpoint_id: endpoint.id,
        event_id: event.id,
        tenant_id: event.tenant_id,
        sequence: event.sequence,
        event_type: event.r#type,
        state,
        attempts: 1,
        status: attempt.answer.status.map(i64::from),
        reason: attempt.answer.reason,
        duration_ms: attempt.duration_ms,
        first_attempt_at: attempt.at,
        last_attempt_at: attempt.at,
        next_attempt_at: next,
    }
}

fn log(delivery: &Delivery) {
    let reason = delivery.reason.as_deref();
    let (endpoint, event) = (delivery.endpoint_id, delivery.event_id);
    match delivery.state {
        State::Delivered => {}
        State::Pending => {
            tracing::info!(endpoint.id = %endpoint, event.id = %event, reason, "an endpoint did not take an event");
        }
        State::Dead => {
            tracing::error!(endpoint.id = %endpoint, event.id = %event, reason,
                "an event is given up and can be redelivered by an operator");
        }
    }
}

/// Keeps since when the endpoint fails, and disables it where that is too long or for ever. `false` where it
/// is gone.
async fn note_failure(
    app: &App,
    tx: &mut Tx,
    endpoint: &Endpoint,
    attempt: &Attempt,
) -> Result<bool> {
    let Some(mut row) = queries::lock_endpoint(tx, endpoint.id).await? else { return Ok(false) };
    let since = row.failing_since.unwrap_or(attempt.at);
    let is_gone = attempt.answer.verdict == Verdict::Gone;
    let is_over = attempt.at >= since.plus_days(FAILING_DAYS_MAX);
    let reason = match (is_gone, is_over) {
        (true, _) => Some("it answered 410: there is nobody any more".to_owned()),
        (false, true) => Some(format!("every attempt has failed since {since}")),
        (false, false) => None,
    };
    let is_first = row.failing_since.is_none();
    row.failing_since = Some(since);
    match reason.filter(|_| row.enabled) {
        Some(reason) => disable(app, tx, row, reason).await?,
        None if is_first => queries::update_endpoint(tx, &row).await?,
        None => {}
    }
    Ok(true)
}

/// Nothing is sent to it any more; its lanes stay where they are.
async fn disable(app: &App, tx: &mut Tx, mut row: Endpoint, reason: String) -> Result<()> {
    let now = app.clock.now();
    tracing::error!(endpoint.id = %row.id, reason, "a webhook endpoint was disabled");
    row.enabled = false;
    row.disabled_at = Some(now);
    row.disabled_reason = Some(reason);
    row.updated_at = now;
    queries::update_endpoint(tx, &row).await?;
    let subject = Subject::new("webhook_endpoint", row.id);
    let data = json!({ "reason": row.disabled_reason });
    let event = EventType::WebhookEndpointDisabled;
    let Some(tenant) = row.tenant_id else {
        let done = Done { action: event.as_str(), subject: &subject, data: &data, at: now };
        return record_platform(tx, app, &Origin::system(), done).await;
    };
    let happened = Happened {
        tenant,
        event,
        audit: None,
        subject: &subject,
        summary: "The webhook endpoint was disabled: events wait until it is enabled again"
            .to_owned(),
        data: &data,
        at: now,
    };
    record(tx, app, &Origin::system(), happened).await
}
