//! Events: what happened, kept for thirty days, and handed to the webhook endpoints.

use serde::Serialize;
use serde_json::{Map, Value, json};
use tollhouse_stripe::API_VERSION;

use crate::{
    entitlements,
    error::Result,
    lists,
    params::Params,
    table::{Object, Table},
    world::{Cause, Request, World},
};

const KEPT_SECONDS: i64 = 30 * 24 * 3600;

#[derive(Clone)]
pub struct Event {
    pub id: String,
    pub created: i64,
    /// When it happened on the simulator's clock, which is not that of a test clock's customer.
    recorded_at: i64,
    pub kind: String,
    /// JSON as text: of the many that are kept few are ever shown, and a tree takes ten times the room.
    data: Box<str>,
    cause: Option<Cause>,
    /// Endpoints that have not acknowledged it yet.
    pub pending: usize,
}

/// An event that has no place in the order yet.
#[derive(Clone)]
pub(crate) struct EventDraft {
    kind: &'static str,
    data: Box<str>,
    /// Where it tells of a subscription.
    subscription: Option<String>,
}

/// What an event carries.
#[derive(Serialize)]
struct Data<'o> {
    object: &'o Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_attributes: Option<Value>,
}

impl EventDraft {
    fn of(kind: &'static str, data: &Data<'_>) -> Self {
        let object = data.object;
        let subscription = (object["object"] == "subscription")
            .then(|| object["id"].as_str().unwrap_or_default().to_owned());
        // Every value has a text.
        let data = serde_json::to_string(data).unwrap_or_default().into();
        Self { kind, data, subscription }
    }
}

impl Object for Event {
    const NOUN: &'static str = "event";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        let request = self.cause.as_ref();
        json!({
            "id": self.id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.created,
            "data": serde_json::from_str::<Value>(&self.data).unwrap_or_default(),
            "livemode": false,
            "pending_webhooks": self.pending,
            "request": {
                "id": request.map(|cause| &cause.request_id),
                "idempotency_key": request.and_then(|cause| cause.idempotency_key.as_ref()),
            },
            "type": self.kind,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.events
    }
}

impl World {
    /// Says that something happened to `object`, shown as it is now.
    pub fn emit(&mut self, kind: &'static str, object: &Value) {
        self.record(EventDraft::of(kind, &Data { object, previous_attributes: None }));
    }

    /// Says that an object changed and what it was before; nothing where it did not change.
    pub fn emit_update(&mut self, kind: &'static str, before: &Value, after: &Value) {
        let previous = changed(before, after);
        if previous.as_object().is_some_and(|fields| !fields.is_empty()) {
            let data = Data { object: after, previous_attributes: Some(previous) };
            self.record(EventDraft::of(kind, &data));
        }
    }

    /// Does `work`, and puts its events into the order observed at Stripe, where the order of doing
    /// things is not the order of telling. Types not in `order` come last.
    pub fn in_order<T>(&mut self, order: &[&str], work: impl FnOnce(&mut World) -> T) -> T {
        // Inside another order, the whole finds its place in that one.
        let outer = self.held_back.replace(Vec::new());
        let done = work(self);
        let mut drafts = std::mem::replace(&mut self.held_back, outer).unwrap_or_default();
        let place = |draft: &EventDraft| order.iter().position(|kind| *kind == draft.kind);
        drafts.sort_by_key(|draft| place(draft).unwrap_or(order.len()));
        for draft in drafts {
            self.record(draft);
        }
        done
    }

    fn record(&mut self, draft: EventDraft) {
        if let Some(held_back) = &mut self.held_back {
            held_back.push(draft);
            return;
        }
        let id = self.ids.id("evt_");
        let endpoints = self.endpoints_for(draft.kind);
        let event = Event {
            id: id.clone(),
            created: self.now,
            recorded_at: self.account_now(),
            kind: draft.kind.to_owned(),
            data: draft.data,
            cause: self.cause.clone(),
            pending: endpoints.len(),
        };
        self.events.put(event);
        for endpoint in endpoints {
            self.enqueue_delivery(&id, draft.kind, &endpoint);
        }
        // Whatever becomes of a subscription is told, and entitlements follow it.
        if let Some(subscription) = draft.subscription {
            entitlements::follow(self, &subscription);
        }
    }
}

/// Changed keys with their old values. Of an array that changed in any place, all of it.
fn changed(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return before.clone();
    };
    let mut previous = Map::new();
    for (key, new) in after {
        let old = before.get(key).unwrap_or(&Value::Null);
        if old != new {
            let both_objects = old.is_object() && new.is_object();
            let old = if both_objects { changed(old, new) } else { old.clone() };
            previous.insert(key.clone(), old);
        }
    }
    // A key that went away, as metadata do.
    for (key, old) in before {
        if !after.contains_key(key) {
            previous.insert(key.clone(), old.clone());
        }
    }
    Value::Object(previous)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    let event = world.events.get(&request.id, "id")?;
    if event.recorded_at <= world.account_now() - KEPT_SECONDS {
        return Err(crate::error::Error::no_such(Event::NOUN, &request.id, "id"));
    }
    Ok(event.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let patterns = patterns(&params)?;
    let oldest = world.account_now() - KEPT_SECONDS;
    lists::list::<Event>(world, request, |event| {
        event.recorded_at > oldest
            && (patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &event.kind)))
    })
}

fn patterns<'a>(params: &Params<'a>) -> Result<Vec<&'a str>> {
    let mut patterns = params.texts("types")?;
    patterns.extend(params.text("type")?);
    Ok(patterns)
}

/// `*` stands for anything at the end: `invoice.*`.
pub fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(front) => kind.starts_with(front),
        None => pattern == kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previous_attributes_hold_what_changed_and_whole_arrays() {
        let before = json!({
            "status": "active", "metadata": {"a": "1", "b": "2"},
            "items": {"data": [{"id": 1, "end": 5}, {"id": 2, "end": 5}], "has_more": false},
        });
        let after = json!({
            "status": "past_due", "metadata": {"a": "1"},
            "items": {"data": [{"id": 1, "end": 9}, {"id": 2, "end": 5}], "has_more": false},
        });
        assert_eq!(
            changed(&before, &after),
            json!({
                "status": "active", "metadata": {"b": "2"},
                "items": {"data": [{"id": 1, "end": 5}, {"id": 2, "end": 5}]},
            })
        );
        assert_eq!(changed(&before, &before), json!({}));
    }

    #[test]
    fn patterns_match_at_the_end_only() {
        assert!(matches("*", "invoice.paid") && matches("invoice.*", "invoice.paid"));
        assert!(matches("invoice.paid", "invoice.paid") && !matches("invoice.*", "charge.failed"));
    }
}
