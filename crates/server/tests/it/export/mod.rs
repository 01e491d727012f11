//! Usage at Stripe: told once, exactly, and billed.

mod behind;
mod billed;
mod crashes;
mod persons;
mod standing;

use std::sync::Arc;

use serde_json::{Value, json};
use tollhouse_domain::{id::TenantId, time::Timestamp, usage::Quantity};
use tollhouse_server::{App, export::actions::value_at_stripe};
use tollhouse_stripe::{CustomerId, signature::sign};

use crate::{harness::TestApp, usage::report};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
/// After this, Stripe is told of what was counted.
pub const LONG_ENOUGH: i64 = 61;

const METER_EVENTS: &str = "/api/v1/admin/meter-events";

/// Reports so many calls, so long ago.
pub async fn use_calls(app: &TestApp, tenant: TenantId, quantity: Value, seconds_ago: i64) {
    let occurred = app.app.clock.now().plus_seconds(-seconds_ago);
    let body = json!({"meter": "api_calls", "quantity": quantity, "occurred_at": occurred});
    report(app, tenant, body).await.expect(202);
}

/// What Stripe is told, oldest first.
pub async fn meter_events(app: &TestApp, query: &str) -> Vec<Value> {
    let path = format!("{METER_EVENTS}?limit=100&{query}");
    let page = app.get(&path).bearer(&app.operator()).await.expect(200);
    let mut events = page["data"].as_array().unwrap().clone();
    events.reverse();
    events
}

pub async fn backlog(app: &TestApp) -> Value {
    app.get(&format!("{METER_EVENTS}/backlog")).bearer(&app.operator()).await.expect(200)
}

pub fn customer(app: &TestApp, tenant: TenantId) -> CustomerId {
    let customers = app.simulator.objects("customer");
    let is_own = |customer: &&Value| customer["metadata"]["tenant_id"] == tenant.to_string();
    CustomerId::new(customers.iter().find(is_own).unwrap()["id"].as_str().unwrap())
}

/// What Stripe's meter comes to, over all time.
pub async fn at_stripe(app: &TestApp, tenant: TenantId, meter: &str) -> String {
    let all =
        (Timestamp::from_second(0).unwrap(), Timestamp::from_second(60 * 100_000_000).unwrap());
    let customer = customer(app, tenant);
    let value = value_at_stripe(&app.app, meter, &customer, all).await.unwrap();
    value.unwrap_or(Quantity::ZERO).to_string()
}

/// Another process on the same database, with its own way to Stripe.
pub async fn another(app: &TestApp, gateway: Arc<dyn tollhouse_stripe::Gateway>) -> Arc<App> {
    App::start(app.app.config.clone(), app.app.clock.clone(), Some(gateway)).await.unwrap()
}

/// Hands over the thin events that Stripe has of a type.
pub async fn deliver_thin(app: &TestApp, event_type: &str) {
    let call = tollhouse_stripe::Call {
        method: tollhouse_stripe::Method::Get,
        path: "/v2/core/events".to_owned(),
        params: vec![("types[0]".to_owned(), event_type.to_owned())],
        idempotency_key: None,
    };
    let gateway: Arc<dyn tollhouse_stripe::Gateway> = Arc::new(app.simulator.gateway());
    let answer = gateway.send(&call).await.unwrap();
    let page: Value = serde_json::from_slice(&answer.body).unwrap();
    for mut event in page["data"].as_array().unwrap().clone() {
        // What is sent names what happened, and not what it was.
        event.as_object_mut().unwrap().remove("data");
        let body = event.to_string();
        let header = sign(&app.webhook_secret, app.app.clock.now().as_second(), body.as_bytes());
        app.post("/webhook/stripe")
            .header("stripe-signature", &header)
            .text(&body)
            .await
            .expect(200);
    }
    app.settle().await;
}
