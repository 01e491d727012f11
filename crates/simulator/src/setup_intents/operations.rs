//! What the API does with setup intents.

use serde_json::{Value, json};

use super::SetupIntent;
use crate::{
    cards::{AUTHENTICATION_FAILED, Decline, Outcome, Presence},
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    payment_methods, subscriptions,
    table::Object,
    world::{Request, World},
};

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let confirms = params.boolean("confirm")?.unwrap_or(false);
    let customer = params.text("customer")?;
    if let Some(customer) = customer {
        world.customers.get(customer, "customer")?;
    }
    let mut intent = SetupIntent {
        description: params.text("description")?.map(str::to_owned),
        usage: params.choice("usage", &["off_session", "on_session"])?.unwrap_or("off_session"),
        automatic_payment_methods: automatic_payment_methods(&params)?,
        allowed_payment_method_types: allowed_types(&params)?,
        return_url: params.url("return_url")?.map(str::to_owned),
        ..blank(customer)
    };
    params.merge_metadata(&mut intent.metadata)?;
    let method = params.text("payment_method")?;
    if confirms && method.is_none() {
        return Err(no_method());
    }
    if params.has("return_url") && !confirms {
        let message = "`return_url` may only be given with `confirm=true`.";
        return Err(params.wrong("return_url", message));
    }
    if let Some(method) = method {
        payment_methods::check_usable(world, method, customer)?;
    }
    let id = add(world, intent);
    if let Some(method) = method {
        choose(world, &id, method)?;
    }
    if confirms {
        attempt(world, &id, Presence::Absent)?;
    }
    show(world, &id)
}

fn automatic_payment_methods(params: &Params<'_>) -> Result<Value> {
    let Some(automatic) = params.object("automatic_payment_methods")? else {
        return Ok(Value::Null);
    };
    automatic.only(&["allow_redirects", "enabled"], &[])?;
    let enabled = automatic.boolean("enabled")?;
    let enabled = enabled.ok_or_else(|| Error::parameter_missing(&automatic.name("enabled")))?;
    let redirects = automatic.choice("allow_redirects", &["always", "never"])?;
    Ok(json!({ "allow_redirects": redirects.unwrap_or("always"), "enabled": enabled }))
}

fn allowed_types(params: &Params<'_>) -> Result<Option<Vec<String>>> {
    let types = params.texts("allowed_payment_method_types")?;
    if !types.is_empty() && !types.contains(&"card") {
        return Err(Error::not_simulated(
            "The simulator knows payment methods of type `card` only.",
        )
        .param("allowed_payment_method_types"));
    }
    Ok((!types.is_empty()).then(|| types.into_iter().map(str::to_owned).collect()))
}

fn blank(customer: Option<&str>) -> SetupIntent {
    SetupIntent {
        id: String::new(),
        created: 0,
        customer: customer.map(str::to_owned),
        description: None,
        client_secret: String::new(),
        payment_method: None,
        status: "requires_payment_method",
        usage: "off_session",
        automatic_payment_methods: Value::Null,
        allowed_payment_method_types: None,
        cancellation_reason: None,
        return_url: None,
        last_decline: None,
        metadata: Metadata::new(),
    }
}

fn add(world: &mut World, intent: SetupIntent) -> String {
    let id = world.ids.id("seti_");
    let client_secret = world.ids.client_secret(&id);
    let intent = SetupIntent { id: id.clone(), created: world.now, client_secret, ..intent };
    let shown = intent.render(world);
    world.setup_intents.put(intent);
    world.emit("setup_intent.created", &shown);
    id
}

/// The intent by which a subscription that costs nothing yet asks for a card.
pub fn open(world: &mut World, customer: &str, method: Option<&str>) -> String {
    let intent = SetupIntent {
        payment_method: method.map(str::to_owned),
        status: if method.is_some() { "requires_action" } else { "requires_payment_method" },
        ..blank(Some(customer))
    };
    add(world, intent)
}

/// Puts a method before the intent; of a ready-made id, a new one.
fn choose(world: &mut World, id: &str, method: &str) -> Result<()> {
    let customer = world.setup_intents.get(id, "intent")?.customer.clone();
    payment_methods::check_usable(world, method, customer.as_deref())?;
    let method = payment_methods::resolve(world, method, "payment_method")?;
    let method_id = method.id.clone();
    world.payment_methods.put(method);
    world.setup_intents.change(id, |intent| {
        intent.payment_method = Some(method_id);
        intent.status = "requires_confirmation";
    });
    Ok(())
}

pub fn confirm(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let intent = world.setup_intents.get(&request.id, "intent")?;
    if matches!(intent.status, "succeeded" | "canceled") {
        return Err(unexpected(intent, "confirm"));
    }
    let has_method = intent.payment_method.is_some();
    let return_url = params.url("return_url")?.map(str::to_owned);
    match params.text("payment_method")? {
        Some(method) => choose(world, &request.id, method)?,
        None if has_method => {}
        None => return Err(no_method()),
    }
    if return_url.is_some() {
        world.setup_intents.change(&request.id, |intent| intent.return_url = return_url);
    }
    attempt(world, &request.id, Presence::Absent)?;
    show(world, &request.id)
}

/// Asks the bank whether the card may be kept.
fn attempt(world: &mut World, id: &str, presence: Presence) -> Result<()> {
    let method = world.setup_intents.get(id, "intent")?.payment_method.clone();
    let method = method.ok_or_else(no_method)?;
    let method = world.payment_methods.get(&method, "payment_method")?.clone();
    match method.card.save(presence) {
        Outcome::Paid => succeed(world, id, &method.id, presence),
        Outcome::NeedsAction => {
            world.setup_intents.change(id, |intent| intent.status = "requires_action");
            announce(world, "setup_intent.requires_action", id);
            Ok(())
        }
        Outcome::Declined(decline) => Err(fail(world, id, &method.id, decline)),
    }
}

fn succeed(world: &mut World, id: &str, method: &str, presence: Presence) -> Result<()> {
    let customer = world.setup_intents.get(id, "intent")?.customer.clone();
    world
        .payment_methods
        .change(method, |method| method.authenticated |= presence == Presence::Authenticated);
    if let Some(customer) = customer {
        payment_methods::attach_saved(world, method, &customer);
    }
    world.setup_intents.change(id, |intent| {
        intent.status = "succeeded";
        intent.last_decline = None;
    });
    announce(world, "setup_intent.succeeded", id);
    subscriptions::setup_succeeded(world, id, method);
    Ok(())
}

fn fail(world: &mut World, id: &str, method: &str, decline: &'static Decline) -> Error {
    world.setup_intents.change(id, |intent| {
        intent.status = "requires_payment_method";
        intent.payment_method = None;
        intent.last_decline = Some((decline, method.to_owned()));
    });
    announce(world, "setup_intent.setup_failed", id);
    let shown = world.setup_intents.find(id).map(|intent| intent.render(world));
    Error::card(decline).with("setup_intent", shown.unwrap_or_default())
}

/// The customer has answered the bank's dialogue.
pub fn authenticated(world: &mut World, id: &str, passed: bool) -> Result<()> {
    let intent = world.setup_intents.get(id, "intent")?;
    if intent.status != "requires_action" {
        return Err(unexpected(intent, "authenticate"));
    }
    let method = intent.payment_method.clone().ok_or_else(no_method)?;
    if passed {
        return attempt(world, id, Presence::Authenticated);
    }
    Err(fail(world, id, &method, &AUTHENTICATION_FAILED))
}

pub fn cancel(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let reason = params
        .choice("cancellation_reason", &["abandoned", "duplicate", "requested_by_customer"])?;
    let intent = world.setup_intents.get(&request.id, "intent")?;
    if matches!(intent.status, "succeeded" | "canceled") {
        return Err(unexpected(intent, "cancel"));
    }
    world.setup_intents.change(&request.id, |intent| {
        intent.status = "canceled";
        intent.cancellation_reason = reason;
    });
    announce(world, "setup_intent.canceled", &request.id);
    show(world, &request.id)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    show(world, &request.id)
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (customer, method) = (params.text("customer")?, params.text("payment_method")?);
    lists::list::<SetupIntent>(world, request, |intent| {
        (customer.is_none() || intent.customer.as_deref() == customer)
            && (method.is_none() || intent.payment_method.as_deref() == method)
    })
}

fn show(world: &World, id: &str) -> Result<Value> {
    Ok(world.setup_intents.get(id, "intent")?.render(world))
}

fn announce(world: &mut World, kind: &'static str, id: &str) {
    if let Some(shown) = world.setup_intents.find(id).map(|intent| intent.render(world)) {
        world.emit(kind, &shown);
    }
}

fn unexpected(intent: &SetupIntent, verb: &str) -> Error {
    Error::invalid(format!(
        "You cannot {verb} this SetupIntent because it has a status of {}.",
        intent.status
    ))
    .code("setup_intent_unexpected_state")
}

fn no_method() -> Error {
    Error::invalid(
        "You cannot confirm this SetupIntent because it's missing a payment method. Update the \
         SetupIntent with a payment method and then confirm it again.",
    )
    .code("setup_intent_unexpected_state")
    .param("payment_method")
}
