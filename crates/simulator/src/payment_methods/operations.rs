//! What the API does with payment methods, and reading cards as people type them.

use serde_json::Value;

use super::{PaymentMethod, TEST_EXPIRY, attach_to};
use crate::{
    calendar,
    cards::Card,
    customers,
    error::{Error, Result},
    lists,
    params::Params,
    subscriptions,
    table::Object,
    world::{Request, World},
};

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let kind = params.required_text("type")?;
    if kind != "card" {
        return Err(Error::not_simulated(format!(
            "The simulator knows payment methods of type `card` only, not `{kind}`."
        ))
        .param("type"));
    }
    let card = params.object("card")?.ok_or_else(|| Error::parameter_missing("card"))?;
    let mut method = read_card(world, &card)?;
    read_details(&params, &mut method)?;
    let shown = method.render(world);
    world.payment_methods.put(method);
    Ok(shown)
}

/// Who the method belongs to, and metadata.
fn read_details(params: &Params<'_>, method: &mut PaymentMethod) -> Result<()> {
    if let Some(details) = params.object("billing_details")? {
        details.only(&["address", "email", "name", "phone"], &["tax_id"])?;
        details.set_text("email", &mut method.email)?;
        details.set_text("name", &mut method.name)?;
        details.set_text("phone", &mut method.phone)?;
        if details.has("address") {
            method.address = customers::read_address(&details)?;
        }
    }
    params.merge_metadata(&mut method.metadata)
}

/// `POST /v1/payment_methods/{id}`: of a method that has its customer.
pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let mut method = world.payment_methods.get(&request.id, "payment_method")?.clone();
    if method.customer.is_none() {
        return Err(Error::invalid(
            "You must save this PaymentMethod to a customer before you can update it.",
        )
        .code("payment_method_unexpected_state"));
    }
    let before = method.render(world);
    let params = request.params();
    read_details(&params, &mut method)?;
    if let Some(card) = params.object("card")? {
        card.only(&["exp_month", "exp_year"], &["networks"])?;
        let month = card.integer("exp_month")?.unwrap_or(method.expiry.0);
        let year = card.integer("exp_year")?.unwrap_or(method.expiry.1);
        method.expiry = expiry(world, month, year)?;
    }
    let after = method.render(world);
    world.payment_methods.put(method);
    world.emit_update("payment_method.updated", &before, &after);
    Ok(after)
}

fn read_card(world: &mut World, params: &Params<'_>) -> Result<PaymentMethod> {
    params.only(&["cvc", "exp_month", "exp_year", "number", "token"], &["networks"])?;
    if let Some(token) = params.text("token")? {
        let card = Card::by_test_id(token).filter(|_| token.starts_with("tok_"));
        let card = card.ok_or_else(|| Error::no_such("token", token, "card[token]"))?;
        return Ok(PaymentMethod::new(world, card, TEST_EXPIRY));
    }
    let number = params.required_text("number")?;
    let month = params.integer("exp_month")?;
    let month = month.ok_or_else(|| Error::parameter_missing("card[exp_month]"))?;
    let year = params.integer("exp_year")?;
    let year = year.ok_or_else(|| Error::parameter_missing("card[exp_year]"))?;
    from_number(world, number, (month, year), params.text("cvc")?)
}

/// A card as a person types it.
///
/// # Errors
/// `card_error`s: an unknown or impossible number, a past expiry, a code of the wrong length.
pub fn from_number(
    world: &mut World,
    number: &str,
    (month, year): (i64, i64),
    cvc: Option<&str>,
) -> Result<PaymentMethod> {
    let card = Card::by_number(number)?;
    let expiry = expiry(world, month, year)?;
    let is_code =
        |cvc: &str| (3..=4).contains(&cvc.len()) && cvc.bytes().all(|byte| byte.is_ascii_digit());
    if cvc.is_some_and(|cvc| !is_code(cvc)) {
        let message = "Your card's security code is invalid.";
        return Err(Error::card_entry("invalid_cvc", "cvc", message));
    }
    Ok(PaymentMethod::new(world, card, expiry))
}

/// The month and year that are printed on a card, which are not over.
fn expiry(world: &World, month: i64, year: i64) -> Result<(i64, i64)> {
    let refuse = |code, param, message| Err(Error::card_entry(code, param, message));
    if !(1..=12).contains(&month) {
        return refuse(
            "invalid_expiry_month",
            "exp_month",
            "Your card's expiration month is invalid.",
        );
    }
    let year = if year < 100 { year + 2000 } else { year };
    if (year, month) < calendar::year_and_month(world.now) {
        return refuse(
            "invalid_expiry_year",
            "exp_year",
            "Your card's expiration year is invalid.",
        );
    }
    Ok((month, year))
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.payment_methods.get(&request.id, "payment_method")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.text("customer")?;
    if let Some(customer) = customer {
        world.customers.get(customer, "customer")?;
    }
    list_for(world, request, customer)
}

/// `GET /v1/customers/{id}/payment_methods`.
pub fn list_of_customer(world: &mut World, request: &Request) -> Result<Value> {
    world.customers.get(&request.id, "customer")?;
    list_for(world, request, Some(&request.id))
}

fn list_for(world: &World, request: &Request, customer: Option<&str>) -> Result<Value> {
    let kind = request.params().text("type")?;
    lists::list::<PaymentMethod>(world, request, |method| {
        (customer.is_none() || method.customer.as_deref() == customer)
            && kind.is_none_or(|kind| kind == "card")
    })
}

pub fn attach(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let id = attach_to(world, &request.id, customer)?;
    Ok(world.payment_methods.get(&id, "payment_method")?.render(world))
}

pub fn detach(world: &mut World, request: &Request) -> Result<Value> {
    let mut method = world.payment_methods.get(&request.id, "payment_method")?.clone();
    let Some(customer) = method.customer.take() else {
        return Err(Error::invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
        ));
    };
    let before = world.payment_methods.get(&request.id, "payment_method")?.render(world);
    method.detached = true;
    world.payment_methods.put(method);
    let after = world.payment_methods.get(&request.id, "payment_method")?.render(world);
    world.emit_update("payment_method.detached", &before, &after);
    customers::forget_payment_method(world, &customer, &request.id);
    subscriptions::forget_payment_method(world, &customer, &request.id);
    Ok(after)
}
