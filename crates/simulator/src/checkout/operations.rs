//! What the API does with checkout sessions, and the two calls by which Stripe's own tools pay one.

use serde_json::Value;

use super::{Session, Status, Submission, complete, render::render_line};
use crate::{
    cards::Presence,
    discounts::{self, Redemption},
    error::{Error, Result},
    lists, payment_methods,
    table::Object,
    world::{Request, World},
};

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.sessions.get(&request.id, "session")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (customer, subscription) = (params.text("customer")?, params.text("subscription")?);
    let status = params.choice("status", &["complete", "expired", "open"])?;
    lists::list::<Session>(world, request, |session| {
        (customer.is_none() || session.customer.as_deref() == customer)
            && (subscription.is_none() || session.subscription.as_deref() == subscription)
            && status.is_none_or(|status| session.status.word() == status)
    })
}

pub fn line_items(world: &mut World, request: &Request) -> Result<Value> {
    let session = world.sessions.get(&request.id, "session")?;
    let lines: Vec<Value> =
        session.lines.iter().map(|line| render_line(session, line, world)).collect();
    lists::list_parts(&lines, "line item", request)
}

pub fn expire(world: &mut World, request: &Request) -> Result<Value> {
    let status = world.sessions.get(&request.id, "session")?.status;
    if status != Status::Open {
        return Err(Error::invalid(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
             Session has a status of {}.",
            status.word()
        )));
    }
    expire_now(world, &request.id);
    retrieve(world, request)
}

/// The session's time is up; nothing happens to one that is complete.
pub fn expire_by_time(world: &mut World, id: &str) {
    if world.sessions.find(id).is_some_and(|session| session.status == Status::Open) {
        expire_now(world, id);
    }
}

fn expire_now(world: &mut World, id: &str) {
    world.sessions.change(id, |session| session.status = Status::Expired);
    if let Some(shown) = world.sessions.find(id).map(|session| session.render(world)) {
        world.emit("checkout.session.expired", &shown);
    }
}

/// A promotion code typed on the page; the empty one takes the discount away.
///
/// # Errors
/// The session takes none, or the code is unknown, over, or not for this customer.
pub fn redeem_code(world: &mut World, session: &Session, code: &str) -> Result<()> {
    if session.status != Status::Open || !session.allow_promotion_codes {
        return Err(Error::invalid("This checkout takes no promotion codes."));
    }
    let mut discount = None;
    if !code.is_empty() {
        let unknown = || Error::invalid("This code is invalid.");
        let found = discounts::find_code(world, code).ok_or_else(unknown)?;
        found.check(world, session.customer.as_deref(), "promotion_code")?;
        discount = Some(Redemption {
            coupon: found.coupon.clone(),
            promotion_code: Some(found.id.clone()),
            kept: None,
        });
    }
    world.sessions.change(&session.id, |session| session.discount = discount);
    Ok(())
}

/// The country, chosen on the page: with it the tax is known.
///
/// # Errors
/// The session does not ask for it, or it is no code of two letters.
pub fn set_country(world: &mut World, session: &Session, country: &str) -> Result<()> {
    if session.status != Status::Open || !session.asks_for_country() {
        return Err(Error::invalid("This checkout does not ask for a country."));
    }
    let country = country.to_ascii_uppercase();
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Error::invalid("A country is a code of two letters, such as DE."));
    }
    world.sessions.change(&session.id, |session| session.country = Some(country));
    Ok(())
}

/// `GET /v1/payment_pages/{cs}`, undocumented: Stripe's command line asks for it before it pays.
pub fn retrieve_page(world: &mut World, request: &Request) -> Result<Value> {
    retrieve(world, request)
}

/// `POST /v1/payment_pages/{cs}/confirm`, undocumented: pays without a page.
pub fn confirm_page(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let method = params.required_text("payment_method")?;
    let session = world.sessions.get(&request.id, "session")?;
    let amount = session.amount(world);
    if params.integer("expected_amount")?.is_some_and(|expected| expected != amount) {
        let message = format!("The amount of this Checkout Session is {amount}.");
        return Err(params.wrong("expected_amount", &message));
    }
    let method = payment_methods::resolve(world, method, "payment_method")?;
    let submission = Submission { method, presence: Presence::Absent, email: None };
    complete(world, &request.id, submission)?;
    retrieve(world, request)
}
