//! Usage: counted once, exactly, and not before it is durable.

mod counting;
mod lines;
mod reading;
mod refused;

use serde_json::{Value, json};
use tollhouse_domain::{
    actor::Role,
    id::TenantId,
    time::Timestamp,
    usage::{Quantity, Window},
};
use tollhouse_server::{
    catalog::{actions::load, file},
    usage::queries::{series, window},
};

use crate::harness::{Answer, CATALOG, TestApp};

/// One meter of each aggregation beside those of the example.
pub const METERS: &str = r#"
[[meter]]
code = "requests"
name = "Requests"
aggregation = "count"

[[meter]]
code = "peak"
name = "Peak"
aggregation = "max"

[[meter]]
code = "people"
name = "People"
aggregation = "unique"
property = "person"
"#;

pub async fn load_meters(app: &TestApp) {
    let catalog = file::parse(&format!("{METERS}{CATALOG}")).unwrap();
    load(&app.app, &catalog, &[].into()).await.unwrap();
}

pub fn path(tenant: TenantId) -> String {
    format!("/api/v1/billing/tenants/{tenant}/usage")
}

pub async fn report(app: &TestApp, tenant: TenantId, body: Value) -> Answer {
    let member = app.token(Role::Member, tenant);
    app.post(&path(tenant)).bearer(&member).json(&body).await
}

/// Reports so much of a meter.
pub async fn count(app: &TestApp, tenant: TenantId, meter: &str, quantity: Value) {
    report(app, tenant, json!({"meter": meter, "quantity": quantity})).await.expect(202);
}

pub async fn batch(app: &TestApp, events: Value) -> Value {
    let operator = app.operator();
    let body = json!({"events": events});
    app.post("/api/v1/usage/batch").bearer(&operator).json(&body).await.expect(202)
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What a meter comes to in a window, and of how many reports.
pub async fn total(
    app: &TestApp,
    tenant: TenantId,
    per: Window,
    start: &str,
    meter: &str,
) -> (String, i64) {
    let mut conn = app.app.db.read().await.unwrap();
    let rollups = window(&mut conn, tenant, per, at(start)).await.unwrap();
    let rollup = rollups.into_iter().find(|rollup| rollup.meter == meter);
    rollup.map_or((String::new(), 0), |rollup| (rollup.quantity().to_string(), rollup.events))
}

/// The sum of a meter's daily totals, over all time.
pub async fn ever(app: &TestApp, tenant: TenantId, meter: &str) -> Quantity {
    let mut conn = app.app.db.read().await.unwrap();
    let all = (Timestamp::MIN, Timestamp::MAX);
    let rows = series(&mut conn, tenant, Window::Day, all, Some(meter), 1000).await.unwrap();
    rows.iter().fold(Quantity::ZERO, |sum, row| sum.plus(row.quantity()))
}
