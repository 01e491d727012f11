//! Reading the envelope of a delivery: what it is about, and whether that concerns us.

use sha2::{Digest, Sha256};
use tollhouse_domain::time::Timestamp;
use tollhouse_stripe::{Created, Event, EventId};

use super::{dispatch, state::State};

/// What a body says of itself.
#[derive(Clone, Debug)]
pub struct Sorted {
    /// Stripe's id of the event, by which copies are known; of what cannot be read, a digest of the body.
    pub stripe_event_id: EventId,
    pub event_type: String,
    /// Unix seconds, Stripe's clock.
    pub event_created: i64,
    pub api_version: Option<String>,
    pub object_id: Option<String>,
    pub customer_id: Option<String>,
    pub state: State,
    /// Why it is settled already, where it is.
    pub reason: Option<&'static str>,
}

/// Sorts a body that came, or came once and is looked at again. What is signed and cannot be read is
/// for a person: Stripe would only send the same again.
pub fn sort(body: &[u8], now: Timestamp) -> Sorted {
    let event = Event::parse(body).ok();
    let plain = event.filter(|event| is_plain(event.id.as_str()) && is_plain(&event.r#type));
    let Some((event, created)) =
        plain.and_then(|event| second(&event.created).map(|at| (event, at)))
    else {
        return unreadable(body, now);
    };
    let about_itself = dispatch::is_about_itself(&event.r#type).then(|| event.id.to_string());
    let object_id = about_itself.or(event.subject).filter(|id| is_plain(id));
    let (state, reason) = match dispatch::target(&event.r#type) {
        None => (State::Ignored, Some("the type is none of ours")),
        Some(_) if object_id.is_none() => {
            (State::Ignored, Some("it is about nothing that has an id"))
        }
        Some(_) => (State::Received, None),
    };
    Sorted {
        stripe_event_id: event.id,
        event_type: event.r#type,
        event_created: created,
        api_version: event.api_version.filter(|version| is_plain(version)),
        object_id,
        customer_id: event.customer.filter(|id| is_plain(id)),
        state,
        reason,
    }
}

fn unreadable(body: &[u8], now: Timestamp) -> Sorted {
    let digest = hex::encode(Sha256::digest(body));
    Sorted {
        stripe_event_id: EventId::new(format!("unreadable-{digest}")),
        event_type: dispatch::UNREADABLE.to_owned(),
        event_created: now.as_second(),
        api_version: None,
        object_id: None,
        customer_id: None,
        state: State::Dead,
        reason: Some("the body is signed, but it is no event we can read"),
    }
}

fn second(created: &Created) -> Option<i64> {
    match created {
        Created::Second(second) => Some(*second),
        Created::Text(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_second),
    }
}

/// What an index can hold and a log may show.
pub fn is_plain(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
