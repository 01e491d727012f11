//! The envelope of a webhook. What it carries stays JSON: a type we do not know is kept all the same.
//!
//! A **snapshot** carries the object as it was; a **thin** notification (`v2.core.event`) only names it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    id::EventId,
    objects::{List, Ref},
};

/// One event as Stripe sends it, read only as far as sorting it needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Envelope")]
pub struct Event {
    pub id: EventId,
    pub r#type: String,
    pub created: Created,
    /// The version that the object of a snapshot is written in.
    pub api_version: Option<String>,
    /// The id of what is to be fetched. Some events are about nothing that has one.
    pub subject: Option<String>,
    /// Whom it concerns, where the event says so.
    pub customer: Option<String>,
}

/// When it happened. Two events of one second have no order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Created {
    /// Unix seconds, as snapshots have it.
    Second(i64),
    /// RFC 3339, as thin notifications have it.
    Text(String),
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

impl TryFrom<Envelope> for Event {
    type Error = &'static str;

    fn try_from(envelope: Envelope) -> Result<Self, Self::Error> {
        let Envelope { id, r#type, created, api_version, object, data, related_object } = envelope;
        let (subject, customer) = match (object.as_str(), data) {
            ("v2.core.event", _) => (related_object.map(|related| related.id), None),
            (_, Some(data)) => (data.subject(&r#type), data.customer()),
            (_, None) => return Err("missing field `data`"),
        };
        Ok(Self { id, r#type, created, api_version, subject, customer })
    }
}

#[derive(Deserialize)]
struct Envelope {
    id: EventId,
    r#type: String,
    created: Created,
    #[serde(default)]
    api_version: Option<String>,
    /// `event`, or `v2.core.event` for a thin notification.
    #[serde(default)]
    object: String,
    #[serde(default)]
    data: Option<Data>,
    /// Of a thin notification: what it is about, if anything.
    #[serde(default)]
    related_object: Option<Related>,
}

#[derive(Deserialize)]
struct Related {
    id: String,
}

#[derive(Deserialize)]
struct Data {
    object: About,
    /// What the object said before, where the event is about a change.
    #[serde(default)]
    previous_attributes: Option<Previous>,
}

#[derive(Deserialize)]
struct Previous {
    #[serde(default)]
    customer: Option<Box<RawValue>>,
}

impl Data {
    /// Of what belongs to one invoice or customer, that one; of an invoice to come, which cannot be fetched,
    /// its subscription.
    fn subject(&self, event_type: &str) -> Option<String> {
        let about = &self.object;
        match about.object.as_str() {
            "invoice_payment" | "credit_note" => id_in(about.invoice.as_ref()?),
            "payment_method" | "setup_intent" => self.customer(),
            "invoice" if event_type == "invoice.upcoming" => {
                let details = about.parent.as_ref()?.subscription_details.as_ref()?;
                id_in(details.subscription.as_ref()?)
            }
            _ => about.id.clone(),
        }
    }

    /// The customer's id, whether Stripe sent the id or the whole customer. A card that was removed
    /// belongs to nobody; whose it was stands in what it said before.
    fn customer(&self) -> Option<String> {
        let before = || id_in(self.previous_attributes.as_ref()?.customer.as_ref()?);
        self.object.customer().or_else(before)
    }
}

/// The only fields of the object that sorting a delivery needs.
#[derive(Deserialize)]
struct About {
    #[serde(default)]
    id: Option<String>,
    /// `subscription`, `invoice`, `checkout.session` …
    #[serde(default)]
    object: String,
    #[serde(default)]
    customer: Option<Box<RawValue>>,
    #[serde(default)]
    invoice: Option<Box<RawValue>>,
    /// Of an invoice: what it is written for.
    #[serde(default)]
    parent: Option<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    #[serde(default)]
    subscription_details: Option<SubscriptionDetails>,
}

#[derive(Deserialize)]
struct SubscriptionDetails {
    #[serde(default)]
    subscription: Option<Box<RawValue>>,
}

impl About {
    fn customer(&self) -> Option<String> {
        if self.object == "customer" {
            return self.id.clone();
        }
        id_in(self.customer.as_ref()?)
    }
}

/// The second by which Stripe lists the object `id`, where a snapshot carries it: when an invoice was made, when
/// a subscription's period began.
pub fn listed_at(body: &[u8], id: &str) -> Option<i64> {
    let snapshot: Snapshot = serde_json::from_slice(body).ok()?;
    match snapshot.data.object {
        Dated::Invoice { id: carried, created } if carried == id => Some(created),
        Dated::Subscription { id: carried, items } if carried == id => {
            items.data.iter().filter_map(|item| item.current_period_start).max()
        }
        Dated::Invoice { .. } | Dated::Subscription { .. } => None,
    }
}

#[derive(Deserialize)]
struct Snapshot {
    data: Carried,
}

#[derive(Deserialize)]
struct Carried {
    object: Dated,
}

#[derive(Deserialize)]
#[serde(tag = "object", rename_all = "snake_case")]
enum Dated {
    Invoice {
        /// None of one that is to come.
        #[serde(default)]
        id: String,
        created: i64,
    },
    Subscription {
        id: String,
        items: List<Item>,
    },
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    current_period_start: Option<i64>,
}

/// Of a reference that is an id or, expanded, an object.
fn id_in(reference: &RawValue) -> Option<String> {
    let reference: Ref<String> = serde_json::from_str(reference.get()).ok()?;
    Some(reference.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(event_type: &str, data: &str) -> Event {
        let body = format!(
            r#"{{"id": "evt_1", "object": "event", "type": "{event_type}", "created": 5, "data": {data}}}"#
        );
        Event::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn knows_by_which_second_an_object_is_listed() {
        let at = |object: &str, id: &str| {
            listed_at(format!(r#"{{"data": {{"object": {object}}}}}"#).as_bytes(), id)
        };
        let invoice = r#"{"object": "invoice", "id": "in_1", "created": 7}"#;
        assert_eq!((at(invoice, "in_1"), at(invoice, "sub_1")), (Some(7), None));
        assert_eq!(at(r#"{"object": "invoice", "created": 7}"#, "sub_1"), None);
        let items = r#"{"data": [{"current_period_start": 8}, {"current_period_start": 9}]}"#;
        let subscription =
            format!(r#"{{"object": "subscription", "id": "sub_1", "items": {items}}}"#);
        assert_eq!(at(&subscription, "sub_1"), Some(9));
        assert_eq!(at(r#"{"object": "charge", "id": "ch_1", "created": 7}"#, "ch_1"), None);
        assert_eq!(
            listed_at(br#"{"object": "v2.core.event", "related_object": {}}"#, "in_1"),
            None
        );
    }

    #[test]
    fn reads_what_it_needs_and_passes_over_the_rest() {
        let event = Event::parse(
            br#"{"id":"evt_1","object":"event","type":"a.type.of.tomorrow","created":5,"novel":{},
                "data":{"object":{"id":"sub_1","object":"subscription","customer":{"id":"cus_1"}}}}"#,
        )
        .unwrap();
        assert_eq!(event.id.as_str(), "evt_1");
        assert_eq!(event.created, Created::Second(5));
        assert_eq!(event.customer.as_deref(), Some("cus_1"));
        for not_an_event in ["", "{", "[]", r#"{"id":"evt_1"}"#] {
            assert!(Event::parse(not_an_event.as_bytes()).is_err(), "{not_an_event}");
        }
        let without_object =
            br#"{"id":"evt_1","object":"event","type":"invoice.paid","created":5}"#;
        assert!(Event::parse(without_object).is_err());
    }

    #[test]
    fn a_thin_notification_names_what_it_is_about() {
        let thin = |related: &str| {
            let body = format!(
                r#"{{"id": "evt_1", "object": "v2.core.event", "type": "v1.invoice.paid", "context": null,
                    "created": "2026-11-20T12:00:00.000Z", "livemode": false, "related_object": {related}}}"#
            );
            Event::parse(body.as_bytes()).unwrap()
        };
        let event = thin(r#"{"id": "in_1", "type": "invoice", "url": "/v1/invoices/in_1"}"#);
        assert_eq!(event.subject.as_deref(), Some("in_1"));
        assert_eq!(event.created, Created::Text("2026-11-20T12:00:00.000Z".to_owned()));
        assert_eq!(thin("null").subject, None);
    }

    #[test]
    fn what_belongs_to_another_object_is_about_that_one() {
        for (event_type, object, subject) in [
            (
                "invoice_payment.paid",
                r#"{"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1"}"#,
                Some("in_1"),
            ),
            (
                "credit_note.created",
                r#"{"id": "cn_1", "object": "credit_note", "invoice": {"id": "in_1"}}"#,
                Some("in_1"),
            ),
            ("credit_note.created", r#"{"id": "cn_1", "object": "credit_note"}"#, None),
            ("invoice.paid", r#"{"id": "in_1", "object": "invoice"}"#, Some("in_1")),
            (
                "invoice.upcoming",
                r#"{"id": "upcoming_in_1", "object": "invoice",
                    "parent": {"subscription_details": {"subscription": "sub_1"}}}"#,
                Some("sub_1"),
            ),
            ("invoice.upcoming", r#"{"object": "invoice", "parent": null}"#, None),
            (
                "refund.created",
                r#"{"id": "re_1", "object": "refund", "charge": "ch_1"}"#,
                Some("re_1"),
            ),
        ] {
            let event = snapshot(event_type, &format!(r#"{{"object": {object}}}"#));
            assert_eq!(event.subject.as_deref(), subject, "{object}");
        }
    }

    #[test]
    fn a_removed_card_tells_whose_it_was() {
        let event = snapshot(
            "payment_method.detached",
            r#"{"object": {"id": "pm_1", "object": "payment_method", "customer": null},
                "previous_attributes": {"customer": "cus_1"}}"#,
        );
        assert_eq!(event.customer.as_deref(), Some("cus_1"));
        assert_eq!(event.subject.as_deref(), Some("cus_1"), "all its cards are looked at");
    }
}
