//! Billing meters: what is counted, and by which keys of a report.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    lists,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct Meter {
    pub id: String,
    created: i64,
    updated: i64,
    display_name: String,
    pub event_name: String,
    /// `count`, `last` or `sum`.
    pub formula: &'static str,
    window: Option<&'static str>,
    pub customer_key: String,
    pub value_key: String,
    pub is_active: bool,
    deactivated_at: Option<i64>,
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
            "status": if self.is_active { "active" } else { "inactive" },
            "status_transitions": { "deactivated_at": self.deactivated_at },
            "updated": self.updated,
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
    check_unique(world, event_name)?;
    let aggregation = params.object("default_aggregation")?;
    let aggregation = aggregation.ok_or_else(|| Error::parameter_missing("default_aggregation"))?;
    aggregation.only(&["formula"], &[])?;
    let formula = aggregation.choice("formula", &["count", "last", "sum"])?;
    let mut meter = Meter {
        id: world.ids.id("mtr_test_"),
        created: world.now,
        updated: world.now,
        display_name: params.required_text("display_name")?.to_owned(),
        event_name: event_name.to_owned(),
        formula: formula.ok_or_else(|| Error::parameter_missing("default_aggregation[formula]"))?,
        window: params.choice("event_time_window", &["day", "hour"])?,
        customer_key: "stripe_customer_id".to_owned(),
        value_key: "value".to_owned(),
        is_active: true,
        deactivated_at: None,
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
    lists::list::<Meter>(world, request, |meter| {
        status.is_none_or(|status| (status == "active") == meter.is_active)
    })
}

/// One active meter for each name of an event.
fn check_unique(world: &World, event_name: &str) -> Result<()> {
    let has_name = |meter: &Meter| meter.is_active && meter.event_name == event_name;
    if !world.meters.rows().iter().any(has_name) {
        return Ok(());
    }
    let message = format!("There is already an active meter with the event name '{event_name}'.");
    Err(Error::invalid(message).code("resource_already_exists").param("event_name"))
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let mut meter = world.meters.get(&request.id, "id")?.clone();
    let before = meter.render(world);
    if let Some(name) = request.params().text("display_name")? {
        name.clone_into(&mut meter.display_name);
    }
    meter.updated = world.now;
    let after = meter.render(world);
    world.meters.put(meter);
    world.emit_update("billing.meter.updated", &before, &after);
    Ok(after)
}

pub fn deactivate(world: &mut World, request: &Request) -> Result<Value> {
    set_active(world, request, false)
}

pub fn reactivate(world: &mut World, request: &Request) -> Result<Value> {
    set_active(world, request, true)
}

fn set_active(world: &mut World, request: &Request, is_active: bool) -> Result<Value> {
    let mut meter = world.meters.get(&request.id, "id")?.clone();
    if meter.is_active == is_active {
        let state = if is_active { "active" } else { "inactive" };
        return Err(Error::invalid(format!("This meter is already {state}.")));
    }
    if is_active {
        check_unique(world, &meter.event_name)?;
    }
    meter.is_active = is_active;
    meter.deactivated_at = (!is_active).then_some(world.now);
    meter.updated = world.now;
    let shown = meter.render(world);
    world.meters.put(meter);
    let told = if is_active { "billing.meter.reactivated" } else { "billing.meter.deactivated" };
    world.emit(told, &shown);
    Ok(shown)
}
