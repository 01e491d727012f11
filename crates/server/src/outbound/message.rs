//! What is posted: one event, in the form and under the signatures of Standard Webhooks.

use serde::Serialize;
use serde_json::{Value, json};
use tollhouse_domain::{
    id::{EventId, TenantId},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    queries::Endpoint,
    sender::{Answer, Signed, Verdict},
};
use crate::{app::App, db::Json, error::Result, events::queries::Event};

/// The type of the message by which an operator tries an endpoint out.
const TEST: &str = "webhook_endpoint.test";

/// One message: its id, the same at every attempt and every endpoint, and its body.
pub struct Message {
    id: String,
    body: Vec<u8>,
}

/// An attempt that was made.
pub struct Attempt {
    pub answer: Answer,
    pub at: Timestamp,
    pub duration_ms: i64,
}

#[derive(Serialize)]
struct Envelope<Data: Serialize> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: Data,
}

#[derive(Serialize)]
struct EventData<'a> {
    id: EventId,
    tenant_id: TenantId,
    sequence: i64,
    summary: &'a str,
    subject: Value,
    data: &'a Json,
}

impl Message {
    pub fn of(event: &Event) -> Result<Self> {
        let data = EventData {
            id: event.id,
            tenant_id: event.tenant_id,
            sequence: event.sequence,
            summary: &event.summary,
            subject: json!({ "kind": event.subject_kind, "id": event.subject_id }),
            data: &event.data,
        };
        let envelope =
            Envelope { r#type: event.r#type.as_str(), timestamp: event.occurred_at, data };
        Ok(Self { id: event.id.to_string(), body: serde_json::to_vec(&envelope)? })
    }

    /// A message about nothing.
    pub fn test(id: Uuid, at: Timestamp) -> Result<Self> {
        let envelope = Envelope { r#type: TEST, timestamp: at, data: json!({}) };
        Ok(Self { id: id.to_string(), body: serde_json::to_vec(&envelope)? })
    }

    /// Signs the message anew and posts it, once.
    pub async fn send(self, app: &App, endpoint: &Endpoint) -> Result<Attempt> {
        let at = app.clock.now();
        let signature = self.signatures(endpoint, at)?;
        let signed = Signed { id: &self.id, timestamp: at.as_second(), signature, body: self.body };
        let answer = app.sender.post(&endpoint.url, signed).await;
        let is_taken = answer.verdict == Verdict::Taken;
        let metrics = &app.metrics;
        if is_taken { &metrics.outbound_delivered } else { &metrics.outbound_failed }.increment(1);
        let duration_ms = app.clock.now().as_millisecond() - at.as_millisecond();
        Ok(Attempt { answer, at, duration_ms })
    }

    /// One by each secret that is good now.
    fn signatures(&self, endpoint: &Endpoint, at: Timestamp) -> Result<String> {
        let previous = endpoint.previous_secret.as_ref();
        let is_good = endpoint.previous_secret_until.is_some_and(|until| until > at);
        let secrets = [Some(&endpoint.secret), previous.filter(|_| is_good)];
        let signatures: Vec<String> = secrets
            .into_iter()
            .flatten()
            .map(|secret| secret.sign(&self.id, at, &self.body))
            .collect::<anyhow::Result<_>>()?;
        Ok(signatures.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use tollhouse_domain::event::EventType;

    use super::*;

    #[test]
    fn a_test_is_not_taken_for_an_event() {
        assert!(TEST.parse::<EventType>().is_err());
    }
}
