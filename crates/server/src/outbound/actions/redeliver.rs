//! Sending because an operator says so: an event again, or a message to try an endpoint out.

use serde_json::json;
use tollhouse_domain::id::{EventId, WebhookEndpointId};
use uuid::Uuid;

use super::get;
use crate::{
    app::App,
    error::{Conflict, Error, Result, not_found},
    events::queries::{self as events, Event},
    outbound::{
        deliveries::queries::{self as deliveries, Delivery, State},
        lanes::queries as lanes,
        message::{Attempt, Message},
        queries::{self, Endpoint},
        sender::Verdict,
        tasks::give_back,
        tell::{CLAIM_SECONDS, delivery, tell},
    },
    record::{Done, Origin, Subject, record_platform},
};

/// Sends an event once more, now, and says what came of it; also to an endpoint that is disabled.
///
/// One that is pending is the next of its lane: taken, the lane goes on. Any other is sent out of order, once.
///
/// # Errors
/// `NotFound`; `OutboundDeliveryInProgress` where it is being sent at this moment.
pub async fn redeliver(
    app: &App,
    origin: &Origin,
    endpoint: WebhookEndpointId,
    event: EventId,
) -> Result<Delivery> {
    let endpoint = get(app, endpoint).await?;
    let known = find(app, &endpoint, event).await?;
    let mut conn = app.db.read().await?;
    let event = events::since(&mut conn, known.tenant_id, known.sequence - 1, 1).await?;
    drop(conn);
    let event = event.into_iter().find(|event| event.id == known.event_id);
    let event = event.ok_or_else(|| not_found("event", known.event_id))?;
    asked(app, origin, &endpoint, &known).await?;
    if known.state == State::Pending {
        send_next(app, &endpoint, &known, &event).await?;
    } else {
        send_again(app, &endpoint, &known, &event).await?;
    }
    find(app, &endpoint, known.event_id).await
}

async fn find(app: &App, endpoint: &Endpoint, event: EventId) -> Result<Delivery> {
    let mut conn = app.db.read().await?;
    let delivery = deliveries::find(&mut conn, endpoint.id, event).await?;
    delivery.ok_or_else(|| not_found("delivery", event))
}

async fn asked(app: &App, origin: &Origin, endpoint: &Endpoint, known: &Delivery) -> Result<()> {
    let subject = Subject::new("webhook_endpoint", endpoint.id);
    let data = json!({ "event_id": known.event_id, "tenant_id": known.tenant_id, "state": known.state.as_str() });
    let action = "webhook_endpoint.redeliver";
    let done = Done { action, subject: &subject, data: &data, at: app.clock.now() };
    let mut tx = app.db.begin().await?;
    record_platform(&mut tx, app, origin, done).await?;
    Ok(tx.commit().await?)
}

/// The next event of its lane, before its time.
async fn send_next(app: &App, endpoint: &Endpoint, known: &Delivery, event: &Event) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let until = now.plus_seconds(CLAIM_SECONDS);
    let lane = lanes::claim_one(&mut tx, (endpoint.id, known.tenant_id), now, until).await?;
    // The lane went on since we looked: somebody else has just sent the event.
    let lane = lane.filter(|lane| lane.sequence + 1 == known.sequence);
    let Some(mut lane) = lane else {
        let sentence =
            "The event is being sent at this moment: look at the delivery again in a few seconds.";
        return Err(Error::Conflict(Conflict::OutboundDeliveryInProgress, sentence.to_owned()));
    };
    tx.commit().await?;
    if tell(app, endpoint, &mut lane, event).await? {
        give_back(app, &lane).await?;
    }
    Ok(())
}

/// An event that was settled: it stays so where it is not taken.
async fn send_again(app: &App, endpoint: &Endpoint, known: &Delivery, event: &Event) -> Result<()> {
    let attempt = Message::of(event)?.send(app, endpoint).await?;
    let taken = attempt.answer.verdict == Verdict::Taken;
    let state = if taken { State::Delivered } else { known.state };
    let mut tx = app.db.begin().await?;
    if taken {
        queries::end_failing(&mut tx, endpoint.id).await?;
    }
    deliveries::put(&mut tx, &delivery(endpoint, event, attempt, state, None)).await?;
    Ok(tx.commit().await?)
}

/// Sends a message about nothing, and says what came of it; nothing is kept.
///
/// # Errors
/// `NotFound`.
pub async fn send_test(app: &App, work: Uuid, id: WebhookEndpointId) -> Result<Attempt> {
    let endpoint = get(app, id).await?;
    Message::test(work, app.clock.now())?.send(app, &endpoint).await
}
