//! The envelope of a webhook. What it carries stays JSON: a type we do not know is kept all the same.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{id::EventId, objects::Ref};

/// One event as Stripe sends it, read only as far as sorting it needs.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub r#type: String,
    /// Unix seconds. Two events of one second have no order.
    pub created: i64,
    #[serde(default)]
    pub api_version: Option<String>,
    #[serde(default)]
    pub livemode: bool,
    pub data: EventData,
}

/// What the event is about.
#[derive(Clone, Debug, Deserialize)]
pub struct EventData {
    pub object: EventObject,
}

/// The only fields of the object that sorting a delivery needs.
#[derive(Clone, Debug, Deserialize)]
pub struct EventObject {
    /// Some objects have none (an upcoming invoice).
    #[serde(default)]
    pub id: Option<String>,
    /// `subscription`, `invoice`, `checkout.session` …
    #[serde(default)]
    pub object: String,
    /// The customer it belongs to: an id, or an object with one.
    #[serde(default)]
    customer: Option<Box<RawValue>>,
    /// The invoice it belongs to, in the same way.
    #[serde(default)]
    invoice: Option<Box<RawValue>>,
}

impl EventObject {
    /// The customer's id, whether Stripe sent the id or the whole customer.
    pub fn customer(&self) -> Option<String> {
        if self.object == "customer" {
            return self.id.clone();
        }
        id_in(self.customer.as_ref()?)
    }

    /// The id of what is to be fetched: of what belongs to one invoice, that invoice.
    pub fn subject(&self) -> Option<String> {
        match self.object.as_str() {
            "invoice_payment" | "credit_note" => id_in(self.invoice.as_ref()?),
            _ => self.id.clone(),
        }
    }
}

/// Of a reference that is an id or, expanded, an object.
fn id_in(reference: &RawValue) -> Option<String> {
    let reference: Ref<String> = serde_json::from_str(reference.get()).ok()?;
    Some(reference.0)
}

impl Event {
    /// Reads the body of a delivery.
    ///
    /// # Errors
    /// When it is not JSON, or has no id, type, time or object: then it is not an event of Stripe's.
    pub fn parse(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_needs_and_passes_over_the_rest() {
        let event = Event::parse(
            br#"{"id":"evt_1","object":"event","type":"a.type.of.tomorrow","created":5,"novel":{},
                "data":{"object":{"id":"sub_1","object":"subscription","customer":{"id":"cus_1"}}}}"#,
        )
        .unwrap();
        assert_eq!(event.id.as_str(), "evt_1");
        assert_eq!(event.data.object.customer().as_deref(), Some("cus_1"));
        assert!(Event::parse(b"{\"id\":\"evt_1\"}").is_err());
    }

    #[test]
    fn what_belongs_to_an_invoice_is_about_the_invoice() {
        for (object, subject) in [
            (r#"{"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1"}"#, Some("in_1")),
            (r#"{"id": "cn_1", "object": "credit_note", "invoice": {"id": "in_1"}}"#, Some("in_1")),
            (r#"{"id": "cn_1", "object": "credit_note"}"#, None),
            (r#"{"id": "in_1", "object": "invoice"}"#, Some("in_1")),
            (r#"{"id": "re_1", "object": "refund", "charge": "ch_1"}"#, Some("re_1")),
        ] {
            let object: EventObject = serde_json::from_str(object).unwrap();
            assert_eq!(object.subject().as_deref(), subject, "{object:?}");
        }
    }
}
