//! Usage by version 2 of the API: the same reports, checked at once or streamed and checked later.

use serde_json::{Value, json};

use super::{
    adjust::cancel,
    report::{Draft, check_identifier, check_moment, read as read_report, take},
};
use crate::{
    calendar,
    error::{Error, Result},
    params::Params,
    world::{Request, World},
};

/// Opened by the token of a session, not by a secret key.
pub const STREAM_PATH: &str = "/v2/billing/meter_event_stream";

const SESSION_SECONDS: i64 = 15 * 60;
const STREAMED_MAX: usize = 100;

/// `POST /v2/billing/meter_events`.
pub fn report(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let draft = read(world, &params)?;
    check_moment(world, &draft, &params)?;
    check_identifier(world, &draft.identifier, &params)?;
    let shown = json!({
        "object": "v2.billing.meter_event",
        "created": calendar::timestamp(world.now),
        "event_name": draft.event_name,
        "identifier": draft.identifier,
        "livemode": false,
        "payload": draft.payload,
        "timestamp": calendar::timestamp(draft.moment),
    });
    take(world, draft);
    Ok(shown)
}

fn read(world: &mut World, params: &Params<'_>) -> Result<Draft> {
    let moment = match params.text("timestamp")? {
        None => None,
        Some(text) => Some(calendar::read_timestamp(text).ok_or_else(|| {
            params.wrong("timestamp", "A moment in RFC 3339, such as 2026-11-01T12:00:00Z.")
        })?),
    };
    read_report(world, params, moment)
}

/// `POST /v2/billing/meter_event_session`: a token for the stream.
pub fn open_session(world: &mut World, request: &Request) -> Result<Value> {
    request.params().only(&["expand"], &[])?;
    let (id, token) = (world.ids.id("mes_test_"), world.ids.id("token_test_"));
    let expires_at = world.now + SESSION_SECONDS;
    world.usage.sessions.insert(token.clone(), expires_at);
    Ok(json!({
        "id": id,
        "object": "v2.billing.meter_event_session",
        "authentication_token": token,
        "created": calendar::timestamp(world.now),
        "expires_at": calendar::timestamp(expires_at),
        "livemode": false,
    }))
}

/// # Errors
/// The token is not one of a session that still runs.
pub fn check_session(world: &World, token: Option<&str>) -> Result<()> {
    match token.and_then(|token| world.usage.sessions.get(token)) {
        Some(expires_at) if *expires_at > world.now => Ok(()),
        Some(_) => Err(Error::unauthenticated("The session has expired. Open another one.")
            .with("type", json!("temporary_session_expired"))
            .code("billing_meter_event_session_expired")),
        None => Err(Error::unauthenticated(
            "The stream is opened by the token of a session: POST /v2/billing/meter_event_session.",
        )),
    }
}

/// `POST /v2/billing/meter_event_stream`: reports that are looked at only when they are taken.
pub fn stream(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let events = params.objects("events")?;
    if events.is_empty() || events.len() > STREAMED_MAX {
        let message = format!("Between one and {STREAMED_MAX} events.");
        return Err(params.wrong("events", &message));
    }
    let mut drafts = Vec::new();
    for event in events {
        event.only(&["event_name", "identifier", "payload", "timestamp"], &[])?;
        drafts.push(read(world, &event)?);
    }
    for draft in drafts {
        take(world, draft);
    }
    Ok(json!({}))
}

/// `POST /v2/billing/meter_event_adjustments`.
pub fn adjust(world: &mut World, request: &Request) -> Result<Value> {
    let (event_name, identifier) = cancel(world, &request.params())?;
    Ok(json!({
        "id": world.ids.id("mea_test_"),
        "object": "v2.billing.meter_event_adjustment",
        "cancel": { "identifier": identifier },
        "created": calendar::timestamp(world.now),
        "event_name": event_name,
        "livemode": false,
        "status": "complete",
        "type": "cancel",
    }))
}
