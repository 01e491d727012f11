//! Billing meters. They can be named by prices; nothing can be reported to them yet.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    lists,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct Meter {
    id: String,
    created: i64,
    display_name: String,
    event_name: String,
    formula: &'static str,
    window: Option<&'static str>,
    customer_key: String,
    value_key: String,
}

impl Object for Meter {
    const NOUN: &'static str = "meter";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        json!({
            "id": self.id,
            "object": "billing.meter",
            "created": self.created,
            "customer_mapping": { "event_payload_key": self.customer_key, "type": "by_id" },
            "default_aggregation": { "formula": self.formula },
            "display_name": self.display_name,
            "event_name": self.event_name,
            "event_time_window": self.window,
            "livemode": false,
            "status": "active",
            "status_transitions": { "deactivated_at": null },
            "updated": self.created,
            "value_settings": { "event_payload_key": self.value_key },
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.meters
    }
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let event_name = params.required_text("event_name")?;
    if world.meters.rows().iter().any(|meter| meter.event_name == event_name) {
        return Err(Error::invalid(format!(
            "There is already an active meter with the event name '{event_name}'."
        ))
        .code("resource_already_exists")
        .param("event_name"));
    }
    let aggregation = params.object("default_aggregation")?;
    let aggregation = aggregation.ok_or_else(|| Error::parameter_missing("default_aggregation"))?;
    aggregation.only(&["formula"], &[])?;
    let formula = aggregation.choice("formula", &["count", "last", "sum"])?;
    let mut meter = Meter {
        id: world.ids.id("mtr_test_"),
        created: world.now,
        display_name: params.required_text("display_name")?.to_owned(),
        event_name: event_name.to_owned(),
        formula: formula.ok_or_else(|| Error::parameter_missing("default_aggregation[formula]"))?,
        window: params.choice("event_time_window", &["day", "hour"])?,
        customer_key: "stripe_customer_id".to_owned(),
        value_key: "value".to_owned(),
    };
    if let Some(mapping) = params.object("customer_mapping")? {
        mapping.only(&["event_payload_key", "type"], &[])?;
        mapping.choice("type", &["by_id"])?;
        mapping.required_text("event_payload_key")?.clone_into(&mut meter.customer_key);
    }
    if let Some(settings) = params.object("value_settings")? {
        settings.only(&["event_payload_key"], &[])?;
        settings.required_text("event_payload_key")?.clone_into(&mut meter.value_key);
    }
    let shown = meter.render(world);
    world.meters.put(meter);
    world.emit("billing.meter.created", &shown);
    Ok(shown)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.meters.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let status = request.params().choice("status", &["active", "inactive"])?;
    lists::list::<Meter>(world, request, |_| status != Some("inactive"))
}
