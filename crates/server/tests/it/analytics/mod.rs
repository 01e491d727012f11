//! What an operator is shown of customers, charges and revenue.

pub mod course;
mod glance;
mod story;

use serde_json::Value;

use crate::harness::TestApp;

/// What the operator is told at a path.
async fn shown(app: &TestApp, path: &str) -> Value {
    app.get(&format!("/api/v1/admin/{path}")).bearer(&app.operator()).await.expect(200)
}

fn rows<'a>(value: &'a Value, field: &str) -> &'a Vec<Value> {
    value[field].as_array().unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

/// An amount of two decimals.
#[expect(clippy::cast_possible_truncation, reason = "an amount of a test is small")]
fn cents(value: &Value, field: &str) -> i64 {
    (value[field].as_f64().unwrap_or_else(|| panic!("no {field}: {value}")) * 100.0).round() as i64
}
