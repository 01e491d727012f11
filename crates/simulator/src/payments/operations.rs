//! Payment intents of one's own, which pay no invoice.

use serde_json::{Value, json};

use super::{
    PaymentIntent, announce, announce_charge, capture_charge, change,
    confirm::{confirm_with, unexpected},
    intents::Capture,
};
use crate::{
    error::{Error, Result},
    params::{Metadata, Params},
    payment_methods,
    table::Object,
    world::{Request, World},
};

/// `POST /v1/payment_intents`.
pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.text("customer")?;
    if let Some(customer) = customer {
        world.customers.get(customer, "customer")?;
    }
    let id = world.ids.id("pi_");
    let mut intent = PaymentIntent {
        client_secret: world.ids.client_secret(&id),
        id: id.clone(),
        created: world.now,
        currency: params.required_text("currency")?.to_ascii_lowercase(),
        customer: customer.map(str::to_owned),
        ..PaymentIntent::blank()
    };
    read(world, &params, &mut intent)?;
    if params.choice("capture_method", &["automatic", "automatic_async", "manual"])?
        == Some("manual")
    {
        intent.capture = Capture::Manual;
    }
    intent.setup_future_usage =
        params.choice("setup_future_usage", &["off_session", "on_session"])?;
    check_types(&params)?;
    if params.choice("confirmation_method", &["automatic", "manual"])? == Some("manual") {
        intent.confirmation_method = "manual";
    }
    let shown = intent.render(world);
    world.payment_intents.put(intent);
    world.emit("payment_intent.created", &shown);
    if params.boolean("confirm")? == Some(true) {
        confirm_with(world, &id, &params)?;
    }
    Ok(world.payment_intents.get(&id, "intent")?.render(world))
}

/// `POST /v1/payment_intents/{id}`.
pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut intent = world.payment_intents.get(&request.id, "intent")?.clone();
    let only_describes =
        params.fields().all(|field| ["description", "metadata", "expand"].contains(&field));
    if intent.is_settled() && !only_describes {
        return Err(unexpected(&intent, "update"));
    }
    read(world, &params, &mut intent)?;
    world.payment_intents.put(intent);
    super::retrieve_intent(world, request)
}

fn read(world: &mut World, params: &Params<'_>, intent: &mut PaymentIntent) -> Result<()> {
    if let Some(amount) = params.integer("amount")? {
        if amount < 1 {
            let message = "This value must be greater than or equal to 1.";
            return Err(params.wrong("amount", message).code("parameter_invalid_integer"));
        }
        intent.amount = amount;
    }
    params.set_text("description", &mut intent.description)?;
    params.set_text("receipt_email", &mut intent.receipt_email)?;
    if params.has("shipping") {
        intent.shipping = read_shipping(params)?;
    }
    if let Some(method) = params.text("payment_method")? {
        payment_methods::check_usable(world, method, intent.customer.as_deref())?;
        let method = payment_methods::resolve(world, method, "payment_method")?;
        intent.payment_method = Some(method.id.clone());
        intent.status = "requires_confirmation";
        world.payment_methods.put(method);
    }
    params.merge_metadata(&mut intent.metadata)
}

pub fn read_shipping(params: &Params<'_>) -> Result<Value> {
    let Some(shipping) = params.object("shipping")? else { return Ok(Value::Null) };
    shipping.only(&["address", "carrier", "name", "phone", "tracking_number"], &[])?;
    Ok(json!({
        "address": crate::customers::read_address(&shipping)?,
        "carrier": shipping.text("carrier")?,
        "name": shipping.required_text("name")?,
        "phone": shipping.text("phone")?,
        "tracking_number": shipping.text("tracking_number")?,
    }))
}

/// Cards are all there is.
fn check_types(params: &Params<'_>) -> Result<()> {
    if let Some(automatic) = params.object("automatic_payment_methods")? {
        automatic.only(&["allow_redirects", "enabled"], &[])?;
    }
    for field in ["payment_method_types", "allowed_payment_method_types"] {
        if params.texts(field)?.iter().any(|kind| *kind != "card") {
            return Err(Error::not_simulated("The simulator takes cards only.").param(field));
        }
    }
    Ok(())
}

/// `POST /v1/payment_intents/{id}/cancel`.
pub fn cancel(world: &mut World, request: &Request) -> Result<Value> {
    let reason = request.params().choice(
        "cancellation_reason",
        &["abandoned", "duplicate", "fraudulent", "requested_by_customer"],
    )?;
    let intent = world.payment_intents.get(&request.id, "intent")?;
    if intent.is_settled() || crate::invoices::paid_by(world, &request.id).is_some() {
        return Err(unexpected(intent, "cancel"));
    }
    change(world, &request.id, |intent| intent.cancellation_reason = reason);
    super::cancel(world, &request.id);
    super::retrieve_intent(world, request)
}

/// `POST /v1/payment_intents/{id}/capture`: all that was authorised, or less.
pub fn capture(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let intent = world.payment_intents.get(&request.id, "intent")?.clone();
    if intent.status != "requires_capture" {
        return Err(unexpected(&intent, "capture"));
    }
    let amount = params.integer("amount_to_capture")?.unwrap_or(intent.amount);
    if !(1..=intent.amount).contains(&amount) {
        let message = "It must be above zero, and at most what was authorised.";
        return Err(params.wrong("amount_to_capture", message));
    }
    let mut metadata: Metadata = intent.metadata.clone();
    params.merge_metadata(&mut metadata)?;
    change(world, &request.id, |intent| {
        intent.status = "succeeded";
        intent.metadata = metadata;
        intent.received = Some(amount);
    });
    if let Some(charge) = &intent.latest_charge {
        capture_charge(world, charge, amount);
        announce_charge(world, "charge.captured", charge);
    }
    announce(world, "payment_intent.succeeded", &request.id);
    super::retrieve_intent(world, request)
}
