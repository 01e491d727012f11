//! Thin events of version 2: what happened and to what, without the object itself.

use serde_json::{Value, json};

use crate::{
    calendar,
    error::{Error, Result},
    table::{Object, Table},
    world::{Cause, Request, World},
};

const PAGE_DEFAULT: usize = 20;
const PAGE_MAX: i64 = 100;

#[derive(Clone)]
pub struct ThinEvent {
    id: String,
    created: i64,
    kind: &'static str,
    /// Kind, id and address of the object it is about.
    related: Option<(&'static str, String, String)>,
    data: Value,
    cause: Option<Cause>,
}

impl Object for ThinEvent {
    const NOUN: &'static str = "event";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        let mut shown = json!({
            "id": self.id,
            "object": "v2.core.event",
            "created": calendar::timestamp(self.created),
            "data": self.data,
            "livemode": false,
            "type": self.kind,
        });
        if let Some((kind, id, url)) = &self.related {
            shown["related_object"] = json!({ "id": id, "type": kind, "url": url });
        }
        if let Some(cause) = &self.cause {
            shown["reason"] = json!({
                "type": "request",
                "request": {
                    "id": cause.request_id,
                    "idempotency_key": cause.idempotency_key.clone().unwrap_or_default(),
                },
            });
        }
        shown
    }

    fn table(world: &World) -> &Table<Self> {
        &world.thin_events
    }
}

/// Says that something happened, to the `related` object if there is one.
pub fn emit(
    world: &mut World,
    kind: &'static str,
    related: Option<(&'static str, &str, String)>,
    data: Value,
) {
    let event = ThinEvent {
        id: world.ids.id("evt_test_"),
        created: world.account_now(),
        kind,
        related: related.map(|(kind, id, url)| (kind, id.to_owned(), url)),
        data,
        cause: world.cause.clone(),
    };
    world.thin_events.put(event);
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.thin_events.get(&request.id, "id")?.render(world))
}

/// Newest first; `page` is the id of the last event of the page before.
pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let limit = params.integer("limit")?;
    if limit.is_some_and(|limit| !(1..=PAGE_MAX).contains(&limit)) {
        return Err(params.wrong("limit", &format!("Between 1 and {PAGE_MAX}.")));
    }
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE_DEFAULT);
    let (about, kinds) = (params.text("object_id")?, params.texts("types")?);
    let rows = world.thin_events.rows();
    let rows = match params.text("page")? {
        None => rows,
        Some(last) => {
            let place = world.thin_events.place(last);
            &rows[..place.ok_or_else(|| Error::no_such(ThinEvent::NOUN, last, "page"))?]
        }
    };
    let is_asked = |event: &&ThinEvent| {
        let id = event.related.as_ref().map(|(_, id, _)| id.as_str());
        (about.is_none() || about == id) && (kinds.is_empty() || kinds.contains(&event.kind))
    };
    let mut found: Vec<&ThinEvent> = rows.iter().rev().filter(is_asked).take(limit + 1).collect();
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more);
    let next = next.map(|event| format!("{}?limit={limit}&page={}", request.path, event.id));
    let data: Vec<Value> = found.into_iter().map(|event| event.render(world)).collect();
    Ok(json!({ "data": data, "next_page_url": next, "previous_page_url": null }))
}
