//! The pretend payment page: pay, be declined, authenticate, walk away.

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tollhouse_stripe::form;

use super::{as_request, checkout_view as view, not_found, page};
use crate::{
    Simulator,
    cards::{AUTHENTICATION_FAILED, Card, Outcome, Presence},
    checkout::{self, Session, Status, Submission},
    error::{Error, Result},
    payment_methods::{self, PaymentMethod},
    test_clocks::customer_behind,
    world::World,
};

pub fn router() -> Router<Simulator> {
    Router::new()
        .route("/c/pay/{session}", get(show).post(pay))
        .route("/c/pay/{session}/authentication", post(authenticate))
        .route("/c/pay/{session}/country", post(choose_country))
        .route("/c/pay/{session}/promotion-code", post(redeem))
}

/// What was typed, to be shown again.
#[derive(Default)]
pub struct Typed {
    pub email: String,
    pub number: String,
    pub expiry: String,
    pub cvc: String,
    pub name: String,
}

impl Typed {
    fn read(body: &str) -> (Self, Option<String>) {
        let mut typed = Self::default();
        let mut fill = None;
        for (name, value) in form::decode(body) {
            match name.as_str() {
                "email" => typed.email = value,
                "card_number" => typed.number = value,
                "expiry" => typed.expiry = value,
                "cvc" => typed.cvc = value,
                "name" => typed.name = value,
                "fill" => fill = Some(value),
                _ => {}
            }
        }
        (typed, fill)
    }
}

async fn show(State(simulator): State<Simulator>, Path(id): Path<String>) -> Response {
    simulator.with(|world| match world.sessions.find(&id) {
        Some(session) => {
            page(StatusCode::OK, view::render(world, session, &Typed::default(), None))
        }
        None => not_found("checkout session"),
    })
}

async fn pay(State(simulator): State<Simulator>, Path(id): Path<String>, body: String) -> Response {
    simulator.with(|world| {
        let Some(session) = world.sessions.find(&id).cloned() else {
            return not_found("checkout session");
        };
        let (mut typed, fill) = Typed::read(&body);
        if let Some(number) = fill {
            typed.number = number;
            "12 / 34".clone_into(&mut typed.expiry);
            "123".clone_into(&mut typed.cvc);
            if typed.name.is_empty() {
                "Jenny Rosen".clone_into(&mut typed.name);
            }
            return page(StatusCode::OK, view::render(world, &session, &typed, None));
        }
        let done =
            as_request(world, session.customer.as_deref(), |world| submit(world, &session, &typed));
        answer(world, &session, &typed, done)
    })
}

/// A promotion code, typed by the payer; the empty one takes the discount away.
async fn redeem(
    State(simulator): State<Simulator>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let typed = form::decode(&body).into_iter().find(|(name, _)| name == "promotion_code");
    let code = typed.map_or_else(String::new, |(_, code)| code.trim().to_owned());
    simulator.with(|world| {
        let Some(session) = world.sessions.find(&id).cloned() else {
            return not_found("checkout session");
        };
        let done = checkout::redeem_code(world, &session, &code);
        answer(world, &session, &Typed::default(), done)
    })
}

/// Where the payer lives, as a code of two letters.
async fn choose_country(
    State(simulator): State<Simulator>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let typed = form::decode(&body).into_iter().find(|(name, _)| name == "country");
    let country = typed.map_or_else(String::new, |(_, country)| country.trim().to_owned());
    simulator.with(|world| {
        let Some(session) = world.sessions.find(&id).cloned() else {
            return not_found("checkout session");
        };
        let done = checkout::set_country(world, &session, &country);
        answer(world, &session, &Typed::default(), done)
    })
}

/// The dialogue of the bank: `result` is `complete` or `fail`.
async fn authenticate(
    State(simulator): State<Simulator>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    simulator.with(|world| {
        let Some(session) = world.sessions.find(&id).cloned() else {
            return not_found("checkout session");
        };
        let passed = form::decode(&body).iter().any(|(n, v)| n == "result" && v == "complete");
        let done = as_request(world, session.customer.as_deref(), |world| {
            world.sessions.change(&session.id, |session| session.authenticating = None);
            let method = session.authenticating.as_deref().unwrap_or_default();
            let method = world.payment_methods.get(method, "payment_method")?.clone();
            if !passed {
                return Err(Error::card(&AUTHENTICATION_FAILED));
            }
            let email = session.payer_email.clone();
            let submission = Submission { method, presence: Presence::Authenticated, email };
            checkout::complete(world, &session.id, submission)
        });
        answer(world, &session, &Typed::default(), done)
    })
}

/// To the success page, or the same page again with the reason or the next question.
fn answer(world: &World, before: &Session, typed: &Typed, done: Result<()>) -> Response {
    let session = world.sessions.find(&before.id).unwrap_or(before);
    match done {
        Ok(()) if session.status == Status::Complete => {
            let url = session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id);
            (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response()
        }
        Ok(()) => page(StatusCode::OK, view::render(world, session, typed, None)),
        Err(error) => {
            let message = error.message().to_owned();
            page(StatusCode::OK, view::render(world, session, typed, Some(&message)))
        }
    }
}

fn submit(world: &mut World, session: &Session, typed: &Typed) -> Result<()> {
    let expiry = read_expiry(&typed.expiry);
    let cvc = typed.cvc.trim();
    let mut method = payment_methods::from_number(world, &typed.number, expiry, Some(cvc))?;
    method.name = Some(typed.name.trim().to_owned()).filter(|name| !name.is_empty());
    let typed_email = Some(typed.email.trim().to_owned()).filter(|email| email.contains('@'));
    let email = session.email(world).or(typed_email);
    if email.is_none() {
        return Err(Error::invalid("Your email is incomplete."));
    }
    if session.automatic_tax && session.country(world).is_none() {
        return Err(Error::invalid("Choose your country first, so that the tax is known."));
    }
    if session.status == Status::Open && needs_dialogue(world, session, &method) {
        world.sessions.change(&session.id, |session| {
            session.authenticating = Some(method.id.clone());
            session.payer_email = email;
        });
        world.payment_methods.put(method);
        return Ok(());
    }
    let submission = Submission { method, presence: Presence::Absent, email };
    checkout::complete(world, &session.id, submission)
}

fn needs_dialogue(world: &World, session: &Session, method: &PaymentMethod) -> bool {
    let outcome = match session.amount(world) {
        0 => method.card.save(Presence::Absent),
        _ => method.card.charge(false, Presence::Absent),
    };
    outcome == Outcome::NeedsAction
}

/// `12 / 34`, `12/2034` or `1234`; what is neither is an invalid month.
pub fn read_expiry(text: &str) -> (i64, i64) {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (month, year) = match text.split_once('/') {
        Some((month, year)) => (month.trim(), year.trim()),
        None => digits.split_at_checked(2).unwrap_or(("0", "0")),
    };
    (month.parse().unwrap_or(0), year.parse().unwrap_or(0))
}

/// Pays as the page does, dialogue passed; see [`Simulator::complete_checkout`].
pub fn pay_with(world: &mut World, session: &str, method: &str) -> Result<()> {
    let customer = customer_behind(world, session).map(str::to_owned);
    as_request(world, customer.as_deref(), |world| {
        let method = payment_methods::resolve(world, method, "payment_method")?;
        let presence = match Card::charge(method.card, method.authenticated, Presence::Absent) {
            Outcome::NeedsAction => Presence::Authenticated,
            Outcome::Paid | Outcome::Declined(_) => Presence::Absent,
        };
        checkout::complete(world, session, Submission { method, presence, email: None })
    })
}

#[cfg(test)]
mod tests {
    use super::read_expiry;

    #[test]
    fn expiries_are_read_as_people_type_them() {
        for (text, expected) in [
            ("12 / 34", (12, 34)),
            ("1/2034", (1, 2034)),
            ("0534", (5, 34)),
            ("", (0, 0)),
            ("x", (0, 0)),
        ] {
            assert_eq!(read_expiry(text), expected, "{text}");
        }
    }
}
