//! `/_sim/faults`, `/_sim/trouble`, `/_sim/save` and `/_sim/load`: order trouble, keep worlds and go back to them.

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;

use super::refuse;
use crate::{DeliveryFault, Fault, Simulator, Trouble};

pub fn router() -> Router<Simulator> {
    Router::new()
        .route("/_sim/faults", post(add_fault))
        .route("/_sim/deliveries/faults", post(add_delivery_fault))
        .route("/_sim/trouble", post(add_trouble))
        .route("/_sim/save", post(save))
        .route("/_sim/load", post(load))
}

type Read<T> = Result<Json<T>, JsonRejection>;

async fn add_fault(State(simulator): State<Simulator>, body: Read<Fault>) -> Response {
    done(body, |fault| {
        simulator.add_fault(fault);
        Ok(())
    })
}

async fn add_delivery_fault(
    State(simulator): State<Simulator>,
    body: Read<DeliveryFault>,
) -> Response {
    done(body, |fault| {
        simulator.add_delivery_fault(fault);
        Ok(())
    })
}

async fn add_trouble(State(simulator): State<Simulator>, body: Read<Trouble>) -> Response {
    done(body, |trouble| {
        if trouble.percent > 100 {
            return Err("`percent` is at most 100.".to_owned());
        }
        simulator.add_trouble(trouble);
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

async fn save(State(simulator): State<Simulator>, body: Read<Name>) -> Response {
    done(body, |wanted| simulator.save(&wanted.name))
}

async fn load(State(simulator): State<Simulator>, body: Read<Name>) -> Response {
    done(body, |wanted| simulator.load(&wanted.name))
}

fn done<T>(body: Read<T>, work: impl FnOnce(T) -> Result<(), String>) -> Response {
    let outcome = body.map_err(|rejection| rejection.body_text()).and_then(|Json(read)| work(read));
    match outcome {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(sentence) => refuse(&sentence),
    }
}
