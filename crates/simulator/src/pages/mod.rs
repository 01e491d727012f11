//! The pages a person sees: plain HTML, one stylesheet, no script.

mod authentication;
mod checkout;
mod checkout_view;
mod invoice;
mod link;
mod pdf;
mod portal;
mod portal_view;

use axum::{
    Router,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

pub use authentication::authenticate;
pub use checkout::pay_with;

use crate::{
    Simulator,
    world::{Cause, World},
};

pub fn router(simulator: Simulator) -> Router {
    checkout::router()
        .merge(authentication::router())
        .merge(invoice::router())
        .merge(link::router())
        .merge(portal::router())
        .with_state(simulator)
}

/// What a page does is a request too, and its events say so. It is done at the customer's time.
fn as_request<T>(
    world: &mut World,
    customer: Option<&str>,
    work: impl FnOnce(&mut World) -> T,
) -> T {
    let request_id = world.ids.id("req_");
    world.cause = Some(Cause { request_id, idempotency_key: None });
    let done = world.at_time_of(customer, work);
    world.cause = None;
    done
}

/// The frame of every page.
pub fn layout(title: &str, content: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/_sim/style.css";
            }
            body {
                p.mark role="note" { strong { "Simulator" } " — no real money, no real cards." }
                main { (content) }
            }
        }
    }
    .into_string()
}

pub async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

/// A page that loads nothing but the stylesheet and is kept nowhere.
fn page(status: StatusCode, html: String) -> Response {
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, Html(html)).into_response()
}

fn not_found(what: &str) -> Response {
    let sentence = format!("The simulator knows no such {what}. It may have been reset since.");
    let content = html! {
        h1 { "Not found" }
        p { (sentence) }
        p { a href="/_sim/" { "What the simulator knows" } }
    };
    page(StatusCode::NOT_FOUND, layout("Not found", &content))
}
