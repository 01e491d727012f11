//! Webhook deliveries: signed with wall-clock time at each attempt, repeated on the simulator's clock.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use serde_json::{Value, json};
use tollhouse_stripe::signature;

use crate::{faults::DeliveryFaultKind, table::Object, world::World};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
/// Between one attempt and the next; then every twelve hours. Stripe publishes no exact times.
const RETRY_AFTER: [i64; 6] = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR];
const RETRY_AT_LAST: i64 = 12 * HOUR;
/// Three days after the event nobody tries any more.
const RETRIED_SECONDS: i64 = 72 * HOUR;

/// One POST to be made now.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Hand it back with the answer.
    pub id: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub event_id: String,
    pub event_type: String,
}

/// Every delivery not settled yet.
#[derive(Clone, Default)]
pub struct Deliveries {
    unsettled: HashMap<String, Delivery>,
    /// When each waiting one is due, in order of their making.
    due: BTreeMap<(i64, u64), String>,
    made: u64,
}

#[derive(Clone)]
struct Delivery {
    event: String,
    endpoint: String,
    /// What is wrong with what it says.
    fault: Option<DeliveryFaultKind>,
    first_due: i64,
    attempts: usize,
}

impl Deliveries {
    /// How many have not been acknowledged, nor given up.
    pub fn unsettled(&self) -> usize {
        self.unsettled.len()
    }

    fn wait(&mut self, id: String, due: i64) {
        self.due.insert((due, self.made), id);
        self.made += 1;
    }
}

/// The event as it is sent, which a fault may have made strange.
fn misrender(mut event: Value, fault: Option<DeliveryFaultKind>) -> Value {
    match fault {
        Some(DeliveryFaultKind::OtherVersion) => event["api_version"] = json!("2020-08-27"),
        Some(DeliveryFaultKind::UnknownType) => event["type"] = json!("simulator.unheard_of"),
        Some(DeliveryFaultKind::UnknownStatus) => {
            if let Some(status) = event.pointer_mut("/data/object/status") {
                *status = json!("unheard_of");
            }
        }
        _ => {}
    }
    event
}

/// How long after its attempt number `attempts` a delivery is tried again.
fn retry_after(attempts: usize) -> i64 {
    RETRY_AFTER.get(attempts.saturating_sub(1)).copied().unwrap_or(RETRY_AT_LAST)
}

impl World {
    pub(crate) fn enqueue_delivery(&mut self, event: &str, kind: &'static str, endpoint: &str) {
        let fault = self.faults.take_delivery();
        let (copies, late) = match fault {
            Some(DeliveryFaultKind::Drop) => {
                tracing::debug!(event.id = event, event.type = kind, "a fault dropped the delivery");
                return;
            }
            Some(DeliveryFaultKind::Duplicate) => (2, 0),
            Some(DeliveryFaultKind::Delay) => (1, HOUR),
            _ => (1, 0),
        };
        let due = self.account_now() + late;
        for _ in 0..copies {
            let id = self.ids.id("dlv_");
            let delivery = Delivery {
                event: event.to_owned(),
                endpoint: endpoint.to_owned(),
                fault,
                first_due: due,
                attempts: 0,
            };
            self.deliveries.unsettled.insert(id.clone(), delivery);
            self.deliveries.wait(id, due);
        }
    }

    /// What is to be sent now, signed at `wall_clock`. Each is handed out once, until it is answered.
    pub fn due_deliveries(&mut self, wall_clock: i64) -> Vec<Outgoing> {
        let later = self.deliveries.due.split_off(&(self.now + 1, 0));
        let due = std::mem::replace(&mut self.deliveries.due, later);
        let mut batch: Vec<Outgoing> =
            due.into_values().filter_map(|id| self.outgoing(id, wall_clock)).collect();
        if batch.len() > 1 && self.faults.take_reverse() {
            batch.reverse();
        }
        batch
    }

    /// `None`, and given up, where the endpoint is gone or switched off.
    fn outgoing(&mut self, id: String, wall_clock: i64) -> Option<Outgoing> {
        let delivery = self.deliveries.unsettled.get(&id)?;
        let endpoint = self.webhook_endpoints.find(&delivery.endpoint);
        let Some(endpoint) = endpoint.filter(|endpoint| endpoint.listens()) else {
            self.deliveries.unsettled.remove(&id);
            return None;
        };
        let event = self.events.find(&delivery.event)?;
        let body = misrender(event.render(self), delivery.fault).to_string();
        let signature = signature::sign(&endpoint.secret, wall_clock, body.as_bytes());
        let headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
            ("Stripe-Signature", &signature),
        ];
        Some(Outgoing {
            id,
            url: endpoint.url.clone(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: body.into(),
            event_id: event.id.clone(),
            event_type: event.kind.clone(),
        })
    }

    /// Settles a delivery that was acknowledged (any 2xx), or plans its next attempt.
    pub fn delivery_answered(&mut self, id: &str, status: Option<u16>) {
        let Some(delivery) = self.deliveries.unsettled.get_mut(id) else { return };
        delivery.attempts += 1;
        if status.is_some_and(|status| (200..300).contains(&status)) {
            let event = delivery.event.clone();
            self.deliveries.unsettled.remove(id);
            self.events.change(&event, |event| event.pending = event.pending.saturating_sub(1));
            return;
        }
        let next = self.now + retry_after(delivery.attempts);
        if next - delivery.first_due > RETRIED_SECONDS {
            self.deliveries.unsettled.remove(id);
        } else {
            self.deliveries.wait(id.to_owned(), next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_grow_apart_and_end_within_three_days() {
        let mut waited = 0;
        let mut attempts = 0;
        while waited <= RETRIED_SECONDS {
            attempts += 1;
            assert!(retry_after(attempts) <= retry_after(attempts + 1));
            waited += retry_after(attempts);
        }
        assert_eq!(retry_after(1), 60);
        assert_eq!(attempts, 11, "attempts in three days");
    }
}
