//! The bank's 3-D Secure dialogue for payment and setup intents that are confirmed by the API.

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use maud::html;
use tollhouse_stripe::form;

use super::{as_request, layout, not_found, page};
use crate::{
    Simulator,
    error::{Error, Result},
    money, payments, setup_intents,
    test_clocks::customer_behind,
    world::World,
};

pub fn router() -> Router<Simulator> {
    Router::new().route("/authenticate/{intent}", get(show).post(answer))
}

/// Answers the dialogue of a payment or setup intent; see [`Simulator::authenticate`].
pub fn authenticate(world: &mut World, intent: &str, passed: bool) -> Result<()> {
    let customer = customer_behind(world, intent).map(str::to_owned);
    as_request(world, customer.as_deref(), |world| {
        if intent.starts_with("pi_") {
            payments::authenticated(world, intent, passed)
        } else if intent.starts_with("seti_") {
            setup_intents::authenticated(world, intent, passed)
        } else {
            Err(Error::no_such("intent", intent, "intent"))
        }
    })
}

/// What the dialogue is about: the amount, where one is to be paid.
struct Dialogue {
    amount: Option<String>,
    waits: bool,
    /// With what the intent has become, as Stripe puts it into the address.
    return_url: Option<String>,
}

fn dialogue(world: &World, id: &str) -> Option<Dialogue> {
    if let Some(intent) = world.payment_intents.find(id) {
        return Some(Dialogue {
            amount: Some(money::show(intent.amount, &intent.currency)),
            waits: intent.status == "requires_action",
            return_url: back(
                intent.return_url.as_ref(),
                "payment_intent",
                (id, &intent.client_secret, intent.status),
            ),
        });
    }
    let intent = world.setup_intents.find(id)?;
    Some(Dialogue {
        amount: None,
        waits: intent.status == "requires_action",
        return_url: back(
            intent.return_url.as_ref(),
            "setup_intent",
            (id, &intent.client_secret, intent.status),
        ),
    })
}

fn back(url: Option<&String>, kind: &str, intent: (&str, &str, &str)) -> Option<String> {
    let (id, secret, status) = intent;
    let status = if status == "succeeded" { "succeeded" } else { "failed" };
    let url = url?;
    let mark = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{mark}{kind}={id}&{kind}_client_secret={secret}&redirect_status={status}"))
}

async fn show(State(simulator): State<Simulator>, Path(id): Path<String>) -> Response {
    simulator.with(|world| match dialogue(world, &id) {
        Some(dialogue) => page(StatusCode::OK, render(&id, &dialogue)),
        None => not_found("payment or setup intent"),
    })
}

/// `result` is `complete` or `fail`.
async fn answer(
    State(simulator): State<Simulator>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let passed = form::decode(&body).contains(&("result".to_owned(), "complete".to_owned()));
    simulator.with(|world| {
        // A refusal is shown by what the intent has become.
        let _ = authenticate(world, &id, passed);
        match dialogue(world, &id) {
            Some(Dialogue { waits: false, return_url: Some(url), .. }) => {
                (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response()
            }
            Some(dialogue) => page(StatusCode::OK, render(&id, &dialogue)),
            None => not_found("payment or setup intent"),
        }
    })
}

fn render(id: &str, dialogue: &Dialogue) -> String {
    layout(
        "3-D Secure",
        &html! {
            h1 { "3-D Secure" }
            @if dialogue.waits {
                p {
                    "Your bank wants to know that it is you who "
                    @match &dialogue.amount {
                        Some(amount) => { "pays " strong { (amount) } "." }
                        None => { "saves this card." }
                    }
                }
                form.dialogue method="post" action={ "/authenticate/" (id) } {
                    button #authenticate type="submit" name="result" value="complete" { "Complete authentication" }
                    button.quiet #fail-authentication type="submit" name="result" value="fail" { "Fail authentication" }
                }
            } @else {
                p { "There is nothing to authenticate here, or it is done. You can close this page." }
                @if let Some(url) = &dialogue.return_url { p { a href=(url) { "Continue" } } }
            }
        },
    )
}
