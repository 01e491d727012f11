//! Entitlements: the answer to «may they?», and units held for whoever was told yes.

mod checks;
mod reservations;

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use crate::harness::TestApp;

pub fn path(tenant: TenantId, rest: &str) -> String {
    format!("/api/v1/billing/tenants/{tenant}/{rest}")
}

/// Asks for so much of a feature.
pub async fn check(app: &TestApp, tenant: TenantId, feature: &str, quantity: Value) -> Value {
    let viewer = app.token(Role::Viewer, tenant);
    let path = path(tenant, &format!("entitlements/{feature}/check"));
    app.post(&path).bearer(&viewer).json(&json!({"quantity": quantity})).await.expect(200)
}

/// Whether it is allowed, and why.
pub async fn may(app: &TestApp, tenant: TenantId, feature: &str, quantity: u64) -> (bool, String) {
    let answer = check(app, tenant, feature, json!(quantity)).await;
    (answer["allowed"].as_bool().unwrap(), answer["reason"].as_str().unwrap().to_owned())
}

pub async fn used(app: &TestApp, tenant: TenantId, meter: &str, quantity: Value) {
    let member = app.token(Role::Member, tenant);
    let body = json!({"meter": meter, "quantity": quantity});
    app.post(&path(tenant, "usage")).bearer(&member).json(&body).await.expect(202);
}

/// Gives a tenant features and limits of its own.
pub async fn grant(app: &TestApp, tenant: TenantId, overrides: Value) {
    let path = format!("/api/v1/stripe/tenants/{tenant}");
    let body = json!({"overrides": overrides});
    app.call("PATCH", &path).bearer(&app.operator()).json(&body).await.expect(200);
}

/// As [`grant`], one limit.
pub async fn limit(app: &TestApp, tenant: TenantId, meter: &str, per: &str, max: u64) {
    let limit = json!({"meter": meter, "per": per, "max": max, "hard": true});
    grant(app, tenant, json!({"limits": [limit]})).await;
}
