//! What an operator is shown of customers, charges and revenue.

mod glance;

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
