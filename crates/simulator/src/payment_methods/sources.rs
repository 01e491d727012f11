//! Sources: the older way to give a customer a card. Each is a payment method too, whose id begins with `card_`.

use serde_json::{Value, json};

use super::{PaymentMethod, TEST_EXPIRY, checks};
use crate::{
    cards::{Card, Outcome, Presence},
    customers,
    error::{Error, Result},
    lists, subscriptions,
    world::{Request, World, with_nulls},
};

const PREFIX: &str = "card_";

/// The card behind one of Stripe's tokens, `tok_visa`.
///
/// # Errors
/// No such token, or a card that declines to be kept.
pub fn check(token: &str) -> Result<&'static Card> {
    let card = Card::by_test_id(token).filter(|_| token.starts_with("tok_"));
    let card = card.ok_or_else(|| Error::no_such("token", token, "source"))?;
    match card.save(Presence::Authenticated) {
        Outcome::Declined(decline) => Err(Error::card(decline)),
        Outcome::Paid | Outcome::NeedsAction => Ok(card),
    }
}

/// Gives a customer a card; answers its id.
pub fn add(world: &mut World, customer: &str, card: &'static Card) -> String {
    let id = world.ids.id(PREFIX);
    let source = PaymentMethod {
        id: id.clone(),
        customer: Some(customer.to_owned()),
        ..PaymentMethod::new(world, card, TEST_EXPIRY)
    };
    let shown = render(&source);
    world.payment_methods.put(source);
    world.emit("customer.source.created", &shown);
    id
}

fn render(source: &PaymentMethod) -> Value {
    let shown = json!({
        "id": source.id,
        "object": "card",
        "brand": brand(source),
        "country": "US",
        "customer": source.customer,
        "cvc_check": checks()["cvc_check"],
        "exp_month": source.expiry.0,
        "exp_year": source.expiry.1,
        "fingerprint": source.fingerprint,
        "funding": "credit",
        "last4": source.card.last4(),
        "metadata": source.metadata,
        "name": source.name,
        "regulated_status": "unregulated",
    });
    with_nulls(shown, NULLS)
}

/// As these objects spell it.
fn brand(source: &PaymentMethod) -> &'static str {
    match source.card.brand {
        "amex" => "American Express",
        "mastercard" => "MasterCard",
        _ => "Visa",
    }
}

/// `POST /v1/customers/{id}/sources`; the first one becomes the default.
pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    world.customers.get(&request.id, "id")?;
    let card = check(params.required_text("source")?)?;
    let id = add(world, &request.id, card);
    customers::set_source(world, &request.id, &id, false);
    let mut source = of_customer(world, &request.id, &id)?.clone();
    params.merge_metadata(&mut source.metadata)?;
    let shown = render(&source);
    world.payment_methods.put(source);
    Ok(shown)
}

/// A source of this customer's.
fn of_customer<'a>(world: &'a World, customer: &str, id: &str) -> Result<&'a PaymentMethod> {
    let found = world.payment_methods.find(id);
    let owned = |source: &&PaymentMethod| {
        source.id.starts_with(PREFIX) && source.customer.as_deref() == Some(customer)
    };
    found.filter(owned).ok_or_else(|| Error::no_such("source", id, "id"))
}

/// The customer in a path of `/v1/customers/{customerId}/sources/{id}`.
fn customer_in(request: &Request) -> &str {
    request.path.split('/').nth(3).unwrap_or_default()
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(render(of_customer(world, customer_in(request), &request.id)?))
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut source = of_customer(world, customer_in(request), &request.id)?.clone();
    let before = render(&source);
    params.set_text("name", &mut source.name)?;
    params.merge_metadata(&mut source.metadata)?;
    source.expiry.0 = params.integer("exp_month")?.unwrap_or(source.expiry.0);
    source.expiry.1 = params.integer("exp_year")?.unwrap_or(source.expiry.1);
    let after = render(&source);
    world.payment_methods.put(source);
    world.emit_update("customer.source.updated", &before, &after);
    Ok(after)
}

pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    let customer = customer_in(request).to_owned();
    let shown = render(of_customer(world, &customer, &request.id)?);
    world.payment_methods.change(&request.id, |source| {
        source.customer = None;
        source.detached = true;
    });
    world.emit("customer.source.deleted", &shown);
    customers::forget_payment_method(world, &customer, &request.id);
    subscriptions::forget_payment_method(world, &customer, &request.id);
    Ok(json!({ "id": request.id, "object": "card", "deleted": true }))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    world.customers.get(&request.id, "id")?;
    let kind = request.params().text("object")?;
    let mine = |method: &&PaymentMethod| of_customer(world, &request.id, &method.id).is_ok();
    let rows = world.payment_methods.rows().iter().rev().filter(mine);
    let shown: Vec<Value> = rows.filter(|_| kind.is_none_or(|k| k == "card")).map(render).collect();
    lists::list_parts(&shown, "source", request)
}

const NULLS: &[&str] = &[
    "address_city",
    "address_country",
    "address_line1",
    "address_line1_check",
    "address_line2",
    "address_state",
    "address_zip",
    "address_zip_check",
    "dynamic_last4",
    "tokenization_method",
];
