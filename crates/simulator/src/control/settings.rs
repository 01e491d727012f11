//! `/_sim/settings` and `/_sim/tax`: what an account's owner sets.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::refuse;
use crate::{SettingsChange, Simulator, table::Object};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    country: String,
    /// Of a hundred; `null` takes the country out of the table.
    percentage: Option<Number>,
    #[serde(default)]
    inclusive: bool,
}

pub async fn show_tax(State(simulator): State<Simulator>) -> Json<Value> {
    simulator.with(|world| {
        let table = world.settings.tax.iter().filter_map(|(country, id)| {
            let rate = world.tax_rates.find(id)?.render(world);
            Some((
                country.clone(),
                json!({
                    "percentage": rate["percentage"], "inclusive": rate["inclusive"],
                }),
            ))
        });
        Json(Value::Object(table.collect()))
    })
}

pub async fn set_tax(
    State(simulator): State<Simulator>,
    body: Result<Json<Tax>, JsonRejection>,
) -> Response {
    let tax = match body {
        Ok(Json(tax)) => tax,
        Err(rejection) => return refuse(&rejection.body_text()),
    };
    let percentage = tax.percentage.map(|number| number.to_string());
    match simulator.set_tax(&tax.country, percentage.as_deref(), tax.inclusive) {
        Ok(()) => show_tax(State(simulator)).await.into_response(),
        Err(sentence) => refuse(&sentence),
    }
}

pub async fn show(State(simulator): State<Simulator>) -> Json<Value> {
    simulator.with(|world| {
        Json(json!({
            "after_retries": world.settings.after_retries,
            "invoice_upcoming_days": world.settings.invoice_upcoming_days,
        }))
    })
}

pub async fn change(
    State(simulator): State<Simulator>,
    body: Result<Json<SettingsChange>, JsonRejection>,
) -> Response {
    let done = match body {
        Ok(Json(change)) => simulator.change_settings(&change),
        Err(rejection) => Err(rejection.body_text()),
    };
    match done {
        Ok(()) => show(State(simulator)).await.into_response(),
        Err(sentence) => refuse(&sentence),
    }
}
