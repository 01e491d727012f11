//! Payment links, followed.

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use maud::html;

use super::{as_request, layout, page};
use crate::{Simulator, payment_links};

pub fn router() -> Router<Simulator> {
    Router::new().route("/buy/{link}", get(follow)).route("/buy/{link}/thanks", get(thanks))
}

/// To a checkout of one's own.
async fn follow(State(simulator): State<Simulator>, Path(id): Path<String>) -> Response {
    let opened =
        simulator.with(|world| as_request(world, None, |world| payment_links::follow(world, &id)));
    match opened {
        Ok(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response(),
        Err(error) => {
            let content = html! { h1 { "Nothing to pay here" } p { (error.message()) } };
            page(StatusCode::NOT_FOUND, layout("Nothing to pay here", &content))
        }
    }
}

async fn thanks() -> Response {
    let content = html! { h1 { "Thanks for your payment" } p { "You can close this page." } };
    page(StatusCode::OK, layout("Thanks", &content))
}
