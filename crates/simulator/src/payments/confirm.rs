//! Confirming a payment intent: by the API, or by a passed 3-D Secure dialogue.

use serde_json::Value;

use super::{PaymentIntent, attempt, change};
use crate::{
    cards::{AUTHENTICATION_FAILED, AUTHENTICATION_REQUIRED, Decline, Outcome, Presence},
    error::{Error, Result},
    invoices,
    params::Params,
    payment_methods,
    table::Object,
    world::{Request, World},
};

/// `POST /v1/payment_intents/{id}/confirm`.
pub fn confirm(world: &mut World, request: &Request) -> Result<Value> {
    confirm_with(world, &request.id, &request.params())?;
    super::retrieve_intent(world, request)
}

/// Confirms an intent as `params` say.
pub fn confirm_with(world: &mut World, id: &str, params: &Params<'_>) -> Result<()> {
    let intent = world.payment_intents.get(id, "intent")?.clone();
    if intent.is_settled() || intent.status == "requires_capture" {
        return Err(unexpected(&intent, "confirm"));
    }
    let return_url = params.url("return_url")?.map(str::to_owned);
    let method = match params.text("payment_method")? {
        Some(method) => {
            payment_methods::check_usable(world, method, intent.customer.as_deref())?;
            payment_methods::resolve(world, method, "payment_method")?
        }
        None => match &intent.payment_method {
            Some(method) => world.payment_methods.get(method, "payment_method")?.clone(),
            None => return Err(no_method()),
        },
    };
    let method_id = method.id.clone();
    world.payment_methods.put(method);
    if return_url.is_some() {
        change(world, id, |intent| intent.return_url = return_url);
    }
    let off_session = params.boolean("off_session")?.unwrap_or(false);
    match pay(world, id, &method_id, Presence::Absent) {
        Outcome::Declined(decline) => Err(declined(world, id, decline)),
        Outcome::NeedsAction if off_session => Err(declined(world, id, &AUTHENTICATION_REQUIRED)),
        Outcome::Paid | Outcome::NeedsAction => Ok(()),
    }
}

/// The customer has answered the bank's dialogue.
///
/// # Errors
/// The intent does not wait for it; or the card is declined, or the dialogue was not passed.
pub fn authenticated(world: &mut World, id: &str, passed: bool) -> Result<()> {
    let intent = world.payment_intents.get(id, "intent")?.clone();
    if intent.status != "requires_action" {
        return Err(unexpected(&intent, "authenticate"));
    }
    let method = intent.payment_method.ok_or_else(no_method)?;
    if !passed {
        change(world, id, |intent| {
            intent.status = "requires_payment_method";
            intent.payment_method = None;
            intent.last_decline = Some((&AUTHENTICATION_FAILED, method));
        });
        super::announce(world, "payment_intent.payment_failed", id);
        return Err(declined(world, id, &AUTHENTICATION_FAILED));
    }
    match pay(world, id, &method, Presence::Authenticated) {
        Outcome::Paid => Ok(()),
        Outcome::Declined(decline) => Err(declined(world, id, decline)),
        Outcome::NeedsAction => Err(declined(world, id, &AUTHENTICATION_REQUIRED)),
    }
}

/// Pays the intent, and with it the invoice it belongs to.
fn pay(world: &mut World, id: &str, method: &str, presence: Presence) -> Outcome {
    let Some(invoice) = invoices::paid_by(world, id) else {
        return attempt(world, id, method, presence);
    };
    invoices::pay_by_intent(world, &invoice, method, presence);
    let intent = world.payment_intents.find(id);
    match intent.map(|intent| (intent.status, &intent.last_decline)) {
        Some(("succeeded" | "requires_capture", _)) => Outcome::Paid,
        Some((_, Some((decline, _)))) => Outcome::Declined(decline),
        _ => Outcome::NeedsAction,
    }
}

fn declined(world: &World, id: &str, decline: &'static Decline) -> Error {
    let shown = world.payment_intents.find(id).map(|intent| intent.render(world));
    Error::card(decline).with("payment_intent", shown.unwrap_or_default())
}

pub fn unexpected(intent: &PaymentIntent, verb: &str) -> Error {
    Error::invalid(format!(
        "You cannot {verb} this PaymentIntent because it has a status of {}.",
        intent.status
    ))
    .code("payment_intent_unexpected_state")
}

fn no_method() -> Error {
    Error::invalid(
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can \
         either update the PaymentIntent with a payment method and then confirm it again, or \
         confirm it again directly with a payment method.",
    )
    .code("payment_intent_unexpected_state")
    .param("payment_method")
}
