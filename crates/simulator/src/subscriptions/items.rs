//! `/v1/subscription_items`: what is done to one item is an update of its subscription.

use serde_json::{Map, Value, json};

use super::{PendingUpdate, Subscription, render::render_item, update::apply};
use crate::{
    error::{Error, Result},
    lists,
    params::Params,
    world::{Request, World},
};

const NOUN: &str = "subscription item";

/// Parameters that are about the change as a whole; the others describe the item.
const OF_THE_CHANGE: [&str; 4] =
    ["off_session", "payment_behavior", "proration_behavior", "proration_date"];

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let id = params.required_text("subscription")?;
    params.required_text("price")?;
    let known = world.subscriptions.get(id, "subscription")?.items.len();
    change(world, id, request, false)?;
    let subscription = world.subscriptions.get(id, "subscription")?;
    // One that waits for its invoice is shown as it is to be.
    let changed = subscription.pending_update.as_ref().map_or(subscription, PendingUpdate::after);
    let added = changed.items.get(known).ok_or_else(Error::server)?;
    Ok(render_item(changed, added, world))
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let subscription = owner(world, &request.id)?.id.clone();
    change(world, &subscription, request, false)?;
    retrieve(world, request)
}

pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    let subscription = owner(world, &request.id)?.id.clone();
    change(world, &subscription, request, true)?;
    Ok(json!({ "id": request.id, "object": "subscription_item", "deleted": true }))
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    let subscription = owner(world, &request.id)?;
    let item = subscription.items.iter().find(|item| item.id == request.id);
    let shown = item.map(|item| render_item(subscription, item, world));
    shown.ok_or_else(|| Error::no_such(NOUN, &request.id, "item"))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let id = params.required_text("subscription")?;
    let subscription = world.subscriptions.get(id, "subscription")?;
    let items = subscription.items.iter().map(|item| render_item(subscription, item, world));
    lists::list_parts(&items.collect::<Vec<_>>(), NOUN, request)
}

fn owner<'a>(world: &'a World, item: &str) -> Result<&'a Subscription> {
    let has_it = |found: &&Subscription| found.items.iter().any(|found| found.id == item);
    let mut rows = world.subscriptions.rows().iter();
    rows.find(has_it).ok_or_else(|| Error::no_such(NOUN, item, "item"))
}

/// Does what `request` says of one item, as `POST /v1/subscriptions/{id}` would with it under `items`.
fn change(world: &mut World, subscription: &str, request: &Request, deletes: bool) -> Result<()> {
    let mut fields = Map::new();
    let mut item = Map::new();
    for (name, value) in request.fields() {
        match name.as_str() {
            "expand" | "subscription" => {}
            name if OF_THE_CHANGE.contains(&name) => {
                fields.insert(name.to_owned(), value.clone());
            }
            name => {
                item.insert(name.to_owned(), value.clone());
            }
        }
    }
    if !request.id.is_empty() {
        item.insert("id".to_owned(), json!(request.id));
    }
    if deletes {
        item.insert("deleted".to_owned(), json!("true"));
    }
    fields.insert("items".to_owned(), json!([item]));
    let params = Params::new(&fields, request.params().is_strict());
    apply(world, subscription, &params).map_err(|error| error.outside("items"))
}
