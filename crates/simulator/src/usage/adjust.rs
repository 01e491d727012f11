//! Taking a report back, within a day.

use serde_json::{Value, json};

use super::IDENTIFIER_SECONDS;
use crate::{
    error::{Error, Result},
    params::Params,
    world::{Request, World},
};

/// `POST /v1/billing/meter_event_adjustments`.
pub fn adjust(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (event_name, identifier) = cancel(world, &params)?;
    Ok(json!({
        "object": "billing.meter_event_adjustment",
        "cancel": { "identifier": identifier },
        "event_name": event_name,
        "livemode": false,
        "status": "complete",
        "type": "cancel",
    }))
}

/// Takes back the report that is named. Answers the names of the event and the report.
pub fn cancel(world: &mut World, params: &Params<'_>) -> Result<(String, String)> {
    params.choice("type", &["cancel"])?;
    let event_name = params.required_text("event_name")?;
    let cancel = params.object("cancel")?.ok_or_else(|| Error::parameter_missing("cancel"))?;
    cancel.only(&["identifier"], &[])?;
    let identifier = cancel.required_text("identifier")?;
    let now = world.now;
    let receipt = world.usage.received.get_mut(identifier);
    let receipt = receipt.filter(|receipt| receipt.event_name == event_name);
    let Some(receipt) = receipt else {
        let message = format!("No event of '{event_name}' has the identifier {identifier}.");
        return Err(cancel.wrong("identifier", &message).code("resource_missing"));
    };
    if now - receipt.at >= IDENTIFIER_SECONDS {
        let message = "An event can be cancelled within 24 hours after Stripe received it.";
        return Err(cancel.wrong("identifier", message));
    }
    if let Some(key) = receipt.counts_for.take()
        && let Some(reports) = world.usage.reports.get_mut(&key)
    {
        reports.retain(|report| report.identifier != identifier);
    }
    Ok((event_name.to_owned(), identifier.to_owned()))
}
