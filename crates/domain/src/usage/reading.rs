//! What a report says to its meter: how much, or which value.

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

use super::Quantity;
use crate::plan::{Aggregation, Meter};

/// What one report adds to its meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// So much; of a `count`, always one.
    Quantity(Quantity),
    /// Of a `unique` meter: this one was seen.
    Value(String),
}

/// Why a report says nothing to its meter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadingError {
    #[error("is missing: say how much of `{0}` was used")]
    NoQuantity(String),
    #[error("must not be below zero: `{0}` only counts upwards")]
    Negative(String),
    #[error(
        "must be left out or be 1: `{0}` counts reports; use a `sum` meter to add quantities up"
    )]
    NotOne(String),
    #[error(
        "must name `{property}`: `{meter}` counts its different values (text, number or boolean, 1 to 200 bytes)"
    )]
    NoValue { meter: String, property: String },
}

impl ReadingError {
    /// The field of the report that is wrong.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::NoValue { .. } => "properties",
            _ => "quantity",
        }
    }
}

const VALUE_LENGTH_MAX: usize = 200;
/// The property a `unique` meter counts where the catalog names none.
const DEFAULT_PROPERTY: &str = "value";

impl Meter {
    /// What a report says, by the meter's aggregation.
    ///
    /// A gauge (`last`) may stand below zero; everything else only counts upwards.
    pub fn read(
        &self,
        quantity: Option<Quantity>,
        properties: &BTreeMap<String, Value>,
    ) -> Result<Reading, ReadingError> {
        let code = || self.code.clone();
        let given =
            |quantity: Option<Quantity>| quantity.ok_or_else(|| ReadingError::NoQuantity(code()));
        match self.aggregation {
            Aggregation::Last => given(quantity).map(Reading::Quantity),
            Aggregation::Sum | Aggregation::Max => match given(quantity)? {
                below if below.is_negative() => Err(ReadingError::Negative(code())),
                quantity => Ok(Reading::Quantity(quantity)),
            },
            Aggregation::Count | Aggregation::Unique
                if quantity.is_some_and(|quantity| quantity != Quantity::ONE) =>
            {
                Err(ReadingError::NotOne(code()))
            }
            Aggregation::Count => Ok(Reading::Quantity(Quantity::ONE)),
            Aggregation::Unique => {
                let property = self.property.as_deref().unwrap_or(DEFAULT_PROPERTY);
                let value = properties.get(property).and_then(text_of);
                value
                    .filter(|value| (1..=VALUE_LENGTH_MAX).contains(&value.len()))
                    .map(Reading::Value)
                    .ok_or_else(|| ReadingError::NoValue {
                        meter: code(),
                        property: property.to_owned(),
                    })
            }
        }
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(switch) => Some(switch.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::quantity::tests::quantity;

    fn meter(aggregation: Aggregation) -> Meter {
        Meter {
            code: "calls".to_owned(),
            name: "Calls".to_owned(),
            aggregation,
            credit_weight: rust_decimal::Decimal::ONE,
            property: None,
            export: false,
        }
    }

    #[test]
    fn each_aggregation_wants_its_own() {
        use Aggregation::{Count, Last, Max, Sum, Unique};
        let so_much = |text: &str| Ok(Reading::Quantity(quantity(text)));
        let code = || "calls".to_owned();
        let cases = [
            (Sum, Some("2.5"), so_much("2.5")),
            (Sum, Some("0"), so_much("0")),
            (Sum, Some("-1"), Err(ReadingError::Negative(code()))),
            (Sum, None, Err(ReadingError::NoQuantity(code()))),
            (Max, Some("-1"), Err(ReadingError::Negative(code()))),
            (Last, Some("-1"), so_much("-1")),
            (Last, None, Err(ReadingError::NoQuantity(code()))),
            (Count, None, so_much("1")),
            (Count, Some("1.0"), so_much("1")),
            (Count, Some("2"), Err(ReadingError::NotOne(code()))),
            (Unique, Some("2"), Err(ReadingError::NotOne(code()))),
        ];
        for (aggregation, said, expected) in cases {
            let read = meter(aggregation).read(said.map(quantity), &BTreeMap::new());
            assert_eq!(read, expected, "{aggregation} {said:?}");
        }
    }

    #[test]
    fn a_unique_meter_counts_the_values_of_its_property() {
        let people = Meter { property: Some("person".to_owned()), ..meter(Aggregation::Unique) };
        let read = |json: Value| {
            let properties = serde_json::from_value(json).unwrap();
            people.read(None, &properties).map_err(|error| error.field())
        };
        for (json, value) in [
            (serde_json::json!({"person": "ada"}), "ada"),
            (serde_json::json!({"person": 7}), "7"),
            (serde_json::json!({"person": true}), "true"),
        ] {
            assert_eq!(read(json), Ok(Reading::Value(value.to_owned())));
        }
        for json in [
            serde_json::json!({}),
            serde_json::json!({"value": "ada"}),
            serde_json::json!({"person": null}),
            serde_json::json!({"person": ""}),
            serde_json::json!({"person": "x".repeat(201)}),
        ] {
            assert_eq!(read(json), Err("properties"));
        }
        let unnamed = meter(Aggregation::Unique);
        let properties = [("value".to_owned(), Value::from("ada"))].into();
        assert_eq!(unnamed.read(None, &properties), Ok(Reading::Value("ada".to_owned())));
    }
}
