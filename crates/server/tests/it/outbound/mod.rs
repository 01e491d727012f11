//! Outbound webhooks, from the change to a receiver that really listens.

mod disabling;
mod endpoints;
mod order;
mod receiver;
mod retries;
mod secrets;
mod side_by_side;
mod targets;

use serde_json::{Value, json};
use tollhouse_domain::{event::EventType, id::TenantId};
use tollhouse_server::record::{Happened, Origin, Subject, record};

use crate::harness::{TestApp, summary_of_a_test};
pub use receiver::{Message, Receiver};

pub const ENDPOINTS: &str = "/api/v1/admin/webhook-endpoints";

/// Makes an endpoint at the receiver for all events; its answer, with the secret.
pub async fn endpoint(app: &TestApp, receiver: &Receiver) -> Value {
    make(app, json!({ "url": receiver.url("/hooks") })).await
}

pub async fn make(app: &TestApp, request: Value) -> Value {
    app.post(ENDPOINTS).bearer(&app.operator()).json(&request).await.expect(201)
}

/// `…/webhook-endpoints/{id}` and what follows.
pub fn path(endpoint: &Value, rest: &str) -> String {
    format!("{ENDPOINTS}/{}{rest}", endpoint["id"].as_str().unwrap())
}

pub async fn show(app: &TestApp, endpoint: &Value) -> Value {
    app.get(&path(endpoint, "")).bearer(&app.operator()).await.expect(200)
}

pub async fn change(app: &TestApp, endpoint: &Value, changes: Value) -> Value {
    let call = app.call("PATCH", &path(endpoint, "")).bearer(&app.operator());
    call.json(&changes).await.expect(200)
}

/// What became of the events at an endpoint, newest first.
pub async fn deliveries(app: &TestApp, endpoint: &Value, query: &str) -> Vec<Value> {
    let path = path(endpoint, &format!("/deliveries?limit=100{query}"));
    let page = app.get(&path).bearer(&app.operator()).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

/// The actions of the audit that begin so, newest first.
pub async fn audited(app: &TestApp, begin: &str) -> Vec<Value> {
    let page = app.get("/api/v1/admin/audit?limit=100").bearer(&app.operator()).await.expect(200);
    let entries = page["data"].as_array().unwrap().iter();
    entries.filter(|entry| entry["action"].as_str().unwrap().starts_with(begin)).cloned().collect()
}

/// Something happens to a tenant, as a slice would record it.
pub async fn happens(app: &TestApp, tenant: TenantId, event: EventType) {
    let subject = Subject::new("slot", "door-1");
    let mut tx = app.app.db.begin().await.unwrap();
    let happened = Happened {
        tenant,
        event,
        audit: None,
        subject: &subject,
        summary: summary_of_a_test(event),
        data: &json!({ "amount": 4900 }),
        at: app.app.clock.now(),
    };
    record(&mut tx, &app.app, &Origin::system(), happened).await.unwrap();
    tx.commit().await.unwrap();
}

/// The numbers of a tenant's events among the messages.
pub fn numbers(messages: &[Message], tenant: TenantId) -> Vec<i64> {
    let own = messages.iter().filter(|message| message.tenant() == tenant.to_string());
    own.map(Message::sequence).collect()
}
