//! `/_sim`: look inside, move the clock, order trouble, start over.

mod settings;
mod trouble;

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use tollhouse_stripe::form;

use crate::{
    Simulator, calendar, checkout,
    pages::{layout, stylesheet},
    world::World,
};

/// One step is at most five years: a daily subscription renews 1,800 times in them.
const ADVANCE_MAX: i64 = 5 * 366 * 86_400;

/// How far the buttons move the clock.
const FORWARD: [(i64, &str); 4] = [
    (3600, "An hour forward"),
    (86_400, "A day forward"),
    (7 * 86_400, "A week forward"),
    (31 * 86_400, "31 days forward"),
];

pub fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/_sim", get(index))
        .route("/_sim/", get(index))
        .route("/_sim/clock", get(clock).post(move_clock))
        .route("/_sim/clock/forward", post(forward))
        .merge(trouble::router())
        .route("/_sim/settings", get(settings::show).post(settings::change))
        .route("/_sim/tax", get(settings::show_tax).post(settings::set_tax))
        .route("/_sim/reset", post(reset))
        .route("/_sim/style.css", get(stylesheet))
        .with_state(simulator)
}

async fn clock(State(simulator): State<Simulator>) -> Json<Value> {
    let now = simulator.now();
    Json(json!({ "now": now, "offset": now - (simulator.shared.wall_clock)() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_seconds: Option<i64>,
    /// Unix seconds.
    to: Option<i64>,
}

async fn move_clock(
    State(simulator): State<Simulator>,
    body: Result<Json<Move>, JsonRejection>,
) -> Response {
    let wanted = match body {
        Ok(Json(wanted)) => wanted,
        Err(rejection) => return refuse(&rejection.body_text()),
    };
    let seconds = match (wanted.advance_seconds, wanted.to) {
        (Some(seconds), None) => seconds,
        (None, Some(to)) => to - simulator.now(),
        _ => return refuse("Send either `advance_seconds` or `to`."),
    };
    if !(0..=ADVANCE_MAX).contains(&seconds) {
        return refuse("The clock moves forward only, at most five years at a time.");
    }
    simulator.advance(seconds);
    clock(State(simulator)).await.into_response()
}

/// The buttons of the index.
async fn forward(State(simulator): State<Simulator>, body: String) -> Response {
    let pairs = form::decode(&body);
    let seconds = pairs.iter().find(|(name, _)| name == "seconds");
    match seconds.and_then(|(_, seconds)| seconds.parse().ok()) {
        Some(seconds) if (0..=ADVANCE_MAX).contains(&seconds) => simulator.advance(seconds),
        _ => return refuse("Send `seconds`, at most five years of them."),
    }
    Redirect::to("/_sim/").into_response()
}

async fn reset(State(simulator): State<Simulator>) -> StatusCode {
    simulator.reset();
    StatusCode::NO_CONTENT
}

fn refuse(sentence: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": { "message": sentence } }))).into_response()
}

async fn index(State(simulator): State<Simulator>) -> Html<String> {
    simulator.with(|world| Html(show(world)))
}

/// The state at a glance.
fn show(world: &World) -> String {
    let counts = [
        ("Customers", world.customers.rows().len()),
        ("Prices", world.prices.rows().len()),
        ("Checkout sessions", world.sessions.rows().len()),
        ("Subscriptions", world.subscriptions.rows().len()),
        ("Invoices", world.invoices.rows().len()),
        ("Events", world.events.rows().len()),
        ("Webhook endpoints", world.webhook_endpoints.rows().len()),
        ("Deliveries not yet acknowledged", world.deliveries.unsettled()),
    ];
    let is_open = |session: &&checkout::Session| session.status == checkout::Status::Open;
    let open: Vec<_> = world.sessions.rows().iter().rev().filter(is_open).take(20).collect();
    layout(
        "Stripe simulator",
        &html! {
            h1 { "Stripe simulator" }
            p { "Its clock says " strong { (calendar::moment(world.now)) } "." }
            form.clock method="post" action="/_sim/clock/forward" {
                @for (seconds, label) in FORWARD {
                    button type="submit" name="seconds" value=(seconds) { (label) }
                }
            }
            table {
                tbody {
                    @for (name, count) in counts {
                        tr { th scope="row" { (name) } td { (count) } }
                    }
                }
            }
            h2 { "Open checkout sessions" }
            @if open.is_empty() {
                p { "None." }
            } @else {
                ul {
                    @for session in open {
                        li {
                            a href={ "/c/pay/" (session.id) } { (label(world, session)) }
                            " — open until " (calendar::moment(session.expires_at))
                        }
                    }
                }
            }
            h2 { "Control" }
            (commands())
        },
    )
}

/// What can be asked of it, and how.
fn commands() -> Markup {
    html! {
        dl {
            dt { code { "GET /_sim/clock" } }
            dd { "What time it is." }
            dt { code { "POST /_sim/clock" } }
            dd { code { "{\"advance_seconds\": 3600}" } " or " code { "{\"to\": 1800000000}" } " moves time forward." }
            dt { code { "POST /_sim/faults" } }
            dd { code { "{\"kind\": \"error_500\", \"times\": 2, \"path\": \"/v1/prices\"}" }
                "; kinds: " code { "error_500" } ", " code { "error_429" } ", " code { "error_409" } ", "
                code { "unreachable" } ", " code { "done_but_unanswered" } ", " code { "cut_short" } "." }
            dt { code { "POST /_sim/deliveries/faults" } }
            dd { code { "{\"kind\": \"duplicate\", \"times\": 1}" } "; kinds: " code { "duplicate" } ", "
                code { "drop" } ", " code { "reverse" } ", " code { "delay" } ", " code { "other_version" } ", "
                code { "unknown_type" } ", " code { "unknown_status" } "." }
            dt { code { "POST /_sim/trouble" } }
            dd { code { "{\"seed\": 7, \"percent\": 20}" } " is trouble of every kind, at random and yet the same "
                "for the same seed and calls; a percent of 0 ends it." }
            dt { code { "POST /_sim/save" } ", " code { "POST /_sim/load" } }
            dd { code { "{\"name\": \"before\"}" } " keeps the world as it is, and goes back to it." }
            dt { code { "POST /_sim/settings" } }
            dd { code { "{\"invoice_upcoming_days\": 7, \"after_retries\": \"cancel\"}" }
                " is how it begins: " code { "invoice.upcoming" } " is told seven days before a renewal, and after "
                "the last retry a subscription is canceled. Or " code { "mark_unpaid" } ", " code { "leave_past_due" }
                ". " code { "GET" } " shows them." }
            dt { code { "POST /_sim/tax" } }
            dd { code { "{\"country\": \"DE\", \"percentage\": 19, \"inclusive\": false}" }
                " is what automatic tax takes there; a percentage of " code { "null" } " is none. "
                code { "GET" } " shows the table, which is empty at first." }
            dt { code { "POST /_sim/reset" } }
            dd { "Starts over." }
        }
    }
}

/// `Pro plan, ann@example.com`.
fn label(world: &World, session: &checkout::Session) -> String {
    let price = session.lines.first().and_then(|line| world.prices.find(&line.price));
    let product = price.and_then(|price| world.products.find(&price.product));
    let name = product.map_or("Checkout", |product| &product.name);
    match session.email(world) {
        Some(email) => format!("{name}, {email}"),
        None => name.to_owned(),
    }
}
