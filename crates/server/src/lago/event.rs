//! A report of usage in Lago's words.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::usage::queries::Counted;

/// The property under which Lago finds how much: the field of its billable metric.
const VALUE: &str = "value";

/// One event of Lago's API.
#[derive(Debug, Serialize)]
pub(super) struct LagoEvent {
    /// Ours: what bears it twice is counted once.
    pub transaction_id: String,
    /// The tenant's id.
    pub external_subscription_id: String,
    /// The code of Lago's billable metric: the meter's.
    pub code: String,
    /// Unix seconds with milliseconds, as text.
    pub timestamp: String,
    /// Texts and numbers, and nothing else.
    pub properties: BTreeMap<String, Value>,
}

impl LagoEvent {
    pub fn of(report: &Counted) -> Self {
        let given = report.properties.as_ref().and_then(|properties| properties.to().ok());
        let given: BTreeMap<String, Box<RawValue>> = given.unwrap_or_default();
        let mut properties: BTreeMap<String, Value> =
            given.into_iter().map(|(name, raw)| (name, plain(&raw))).collect();
        if report.value.is_none() {
            // As text: exact, past any float on the way.
            properties.insert(VALUE.to_owned(), Value::String(report.quantity().to_string()));
        }
        let millisecond = report.occurred_at.as_millisecond();
        Self {
            transaction_id: report.id.to_string(),
            external_subscription_id: report.tenant_id.to_string(),
            code: report.meter.clone(),
            timestamp: format!(
                "{}.{:03}",
                millisecond.div_euclid(1000),
                millisecond.rem_euclid(1000)
            ),
            properties,
        }
    }
}

/// A text stays one, a number is written as it was, and what is more than that as compact JSON: the databases keep
/// its spaces each in its own way.
fn plain(raw: &RawValue) -> Value {
    Value::String(match serde_json::from_str(raw.get()) {
        Ok(Value::String(text)) => text,
        Ok(parts @ (Value::Array(_) | Value::Object(_))) => parts.to_string(),
        _ => raw.get().to_owned(),
    })
}
