//! Payment intents and the charges they make: of invoices, of checkout, and of one's own.

mod charges;
mod confirm;
mod intents;
mod operations;

use serde_json::{Value, json};

use charges::announce_as as announce_charge;
use charges::capture as capture_charge;
pub use charges::{Charge, set_disputed};
pub use confirm::{authenticated, confirm};
pub use intents::{Capture, PaymentIntent};
pub use operations::{cancel as cancel_by_request, capture, create, read_shipping, update};

use crate::{
    cards::{Behaviour, Decline, Outcome, Presence},
    disputes,
    error::Result,
    lists, payment_methods,
    table::Object,
    world::{Request, World},
};

/// Money to be asked of a customer.
pub struct Order<'a> {
    /// A new customer has no id until the payment is through.
    pub customer: Option<&'a str>,
    pub amount: i64,
    pub currency: &'a str,
    pub description: &'a str,
}

/// A new intent, announced.
pub fn open(world: &mut World, order: &Order<'_>) -> String {
    let intent = PaymentIntent {
        amount: order.amount,
        currency: order.currency.to_owned(),
        customer: order.customer.map(str::to_owned),
        description: Some(order.description.to_owned()),
        setup_future_usage: Some("off_session"),
        ..PaymentIntent::blank()
    };
    announce_new(world, intent)
}

/// Gives an intent its id, and announces it.
pub fn announce_new(world: &mut World, intent: PaymentIntent) -> String {
    let id = world.ids.id("pi_");
    let intent = PaymentIntent {
        client_secret: world.ids.client_secret(&id),
        id: id.clone(),
        created: world.now,
        ..intent
    };
    let shown = intent.render(world);
    world.payment_intents.put(intent);
    world.emit("payment_intent.created", &shown);
    id
}

/// Tries to pay an intent with a method: a charge, or a request to authenticate.
pub fn attempt(world: &mut World, intent: &str, method: &str, presence: Presence) -> Outcome {
    let Some(method) = world.payment_methods.find(method).cloned() else {
        return Outcome::NeedsAction;
    };
    let outcome = method.card.charge(method.authenticated, presence);
    let decline = match outcome {
        Outcome::Paid => None,
        Outcome::Declined(decline) => Some(decline),
        Outcome::NeedsAction => {
            change(world, intent, |intent| {
                intent.payment_method = Some(method.id.clone());
                intent.status = "requires_action";
                intent.last_decline = None;
            });
            announce(world, "payment_intent.requires_action", intent);
            return outcome;
        }
    };
    let charge = charges::add(world, intent, &method, decline);
    if decline.is_some() {
        charges::announce(world, &charge);
    } else {
        save(world, intent, &method.id, presence);
    }
    change(world, intent, |intent| {
        intent.latest_charge = Some(charge.clone());
        intent.last_decline = decline.map(|decline| (decline, method.id.clone()));
        intent.payment_method = decline.is_none().then(|| method.id.clone());
        intent.status = match (decline, intent.capture) {
            (Some(_), _) => "requires_payment_method",
            (None, Capture::Automatic) => "succeeded",
            (None, Capture::Manual) => "requires_capture",
        };
    });
    let status = world.payment_intents.find(intent).map(|intent| intent.status);
    let told = match status {
        Some("requires_capture") => "payment_intent.amount_capturable_updated",
        _ if decline.is_some() => "payment_intent.payment_failed",
        _ => "payment_intent.succeeded",
    };
    announce(world, told, intent);
    // A charge that went well is told after its intent, one that failed before it.
    if decline.is_none() {
        charges::announce(world, &charge);
        if let Behaviour::Disputed { reason, is_inquiry } = method.card.behaviour {
            disputes::open(world, &charge, reason, is_inquiry);
        }
    }
    outcome
}

/// Names the method an intent will be paid with once it is confirmed.
pub fn propose(world: &mut World, intent: &str, method: String) {
    change(world, intent, |intent| {
        intent.payment_method = Some(method);
        intent.status = "requires_confirmation";
    });
}

/// A card that has paid is kept for the customer, who may have passed 3-D Secure with it.
fn save(world: &mut World, intent: &str, method: &str, presence: Presence) {
    world
        .payment_methods
        .change(method, |method| method.authenticated |= presence == Presence::Authenticated);
    let found = world.payment_intents.find(intent);
    let found = found.filter(|intent| intent.setup_future_usage.is_some());
    let customer = found.and_then(|intent| intent.customer.clone());
    if let Some(customer) = customer {
        payment_methods::attach_saved(world, method, &customer);
    }
}

/// The rest of an invoice that was credited in part.
pub fn change_amount(world: &mut World, intent: &str, amount: i64) {
    change(world, intent, |intent| intent.amount = amount);
}

/// The intent of an invoice that nobody is to pay any more.
pub fn cancel(world: &mut World, intent: &str) {
    let now = world.now;
    change(world, intent, |intent| {
        intent.status = "canceled";
        intent.canceled_at = Some(now);
    });
    announce(world, "payment_intent.canceled", intent);
}

fn change(world: &mut World, id: &str, change: impl FnOnce(&mut PaymentIntent)) {
    world.payment_intents.change(id, change);
}

fn announce(world: &mut World, kind: &'static str, id: &str) {
    if let Some(shown) = world.payment_intents.find(id).map(|intent| intent.render(world)) {
        world.emit(kind, &shown);
    }
}

/// What the customer is to do about an intent that wants 3-D Secure: a dialogue, at a page of its own
/// or inside the integration's.
pub fn next_action(world: &World, intent: &str, return_url: Option<&str>) -> Value {
    let dialogue = format!("{}/authenticate/{intent}", world.base_url);
    match return_url {
        Some(return_url) => json!({
            "redirect_to_url": { "return_url": return_url, "url": dialogue },
            "type": "redirect_to_url",
        }),
        None => json!({
            "type": "use_stripe_sdk",
            "use_stripe_sdk": { "stripe_js": dialogue, "type": "three_d_secure_redirect" },
        }),
    }
}

/// A decline, as an intent remembers it.
pub fn render_error(decline: &Decline, method: &Value, charge: Option<&String>) -> Value {
    let mut error = json!({
        "code": decline.code,
        "decline_code": decline.reason,
        "doc_url": format!("https://stripe.com/docs/error-codes/{}", decline.code.replace('_', "-")),
        "message": decline.message,
        "payment_method": method,
        "type": "card_error",
    });
    if let Some(charge) = charge {
        error["charge"] = json!(charge);
    }
    error
}

pub fn retrieve_intent(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.payment_intents.get(&request.id, "intent")?.render(world))
}

pub fn list_intents(world: &mut World, request: &Request) -> Result<Value> {
    let customer = request.params().text("customer")?;
    lists::list::<PaymentIntent>(world, request, |intent| {
        customer.is_none() || intent.customer.as_deref() == customer
    })
}

pub fn retrieve_charge(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.charges.get(&request.id, "id")?.render(world))
}

pub fn list_charges(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (customer, intent) = (params.text("customer")?, params.text("payment_intent")?);
    lists::list::<Charge>(world, request, |charge| {
        (customer.is_none() || charge.customer.as_deref() == customer)
            && intent.is_none_or(|intent| charge.payment_intent == intent)
    })
}
