//! Trouble: of every kind, by order and by seed; and worlds that are kept.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;
use tollhouse_simulator::{DeliveryFault, DeliveryFaultKind, Fault, FaultKind, Trouble};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

fn order(stripe: &Stripe, kind: FaultKind) {
    stripe.simulator.add_fault(Fault { kind, times: 1, method: None, path: None });
}

fn endpoint(stripe: &Stripe) {
    stripe.post("/v1/webhook_endpoints", "url=https://app.example/hook&enabled_events[]=*");
}

/// The one event that a new customer is told by.
fn told(stripe: &Stripe) -> Vec<Value> {
    stripe.post("/v1/customers", "email=ann@example.com");
    let due = stripe.simulator.due_deliveries();
    due.iter().map(|outgoing| serde_json::from_slice(&outgoing.body).unwrap()).collect()
}

#[test]
fn a_conflict_is_answered_as_one_that_may_be_tried_again() {
    let stripe = Stripe::new();
    order(&stripe, FaultKind::Error409);
    let answer = stripe.send(Method::Post, "/v1/customers", "", Some("k")).unwrap();
    assert_eq!(
        (answer.status, &answer.headers["stripe-should-retry"]),
        (409, &"true".parse().unwrap())
    );
    assert!(stripe.simulator.objects("customer").is_empty());
    assert_eq!(stripe.send(Method::Post, "/v1/customers", "", Some("k")).unwrap().status, 200);
}

#[test]
fn what_was_done_behind_a_broken_answer_is_answered_the_second_time() {
    for kind in [FaultKind::CutShort, FaultKind::DoneButUnanswered] {
        let stripe = Stripe::new();
        order(&stripe, kind);
        assert!(stripe.send(Method::Post, "/v1/customers", "", Some("k")).is_err());
        assert_eq!(stripe.simulator.objects("customer").len(), 1);
        let again = stripe.send(Method::Post, "/v1/customers", "", Some("k")).unwrap();
        assert_eq!(again.headers["idempotent-replayed"], "true");
        assert_eq!(stripe.simulator.objects("customer").len(), 1);
    }
}

#[test]
fn deliveries_are_made_strange_by_order() {
    use DeliveryFaultKind::{Delay, OtherVersion, UnknownStatus, UnknownType};
    let stripe = Stripe::new();
    endpoint(&stripe);
    let strange = |kind| {
        stripe.simulator.add_delivery_fault(DeliveryFault { kind, times: 1 });
        told(&stripe)
    };
    assert_eq!(strange(OtherVersion)[0]["api_version"], "2020-08-27");
    assert_eq!(strange(UnknownType)[0]["type"], "simulator.unheard_of");
    assert!(strange(Delay).is_empty());
    stripe.simulator.advance(3600);
    assert_eq!(stripe.simulator.due_deliveries().len(), 1);
    assert_eq!(strange(UnknownStatus)[0]["type"], "customer.created", "it has no status");
    assert_eq!(told(&stripe)[0]["api_version"], "2026-10-28.endive");
    let kind = UnknownStatus;
    stripe.simulator.add_delivery_fault(DeliveryFault { kind, times: 1 });
    stripe.post("/v1/payment_intents", "amount=100&currency=usd");
    let due = stripe.simulator.due_deliveries();
    let event: Value = serde_json::from_slice(&due[0].body).unwrap();
    assert_eq!(event["data"]["object"]["status"], "unheard_of");
    assert_eq!(stripe.simulator.objects("payment_intent")[0]["status"], "requires_payment_method");
}

/// What comes of forty calls and their deliveries under trouble.
fn run(seed: u64) -> Vec<String> {
    let stripe = Stripe::new();
    endpoint(&stripe);
    stripe.simulator.add_trouble(Trouble { seed, percent: 30 });
    let mut met = Vec::new();
    for _ in 0..40 {
        met.push(match stripe.send(Method::Post, "/v1/customers", "", None) {
            Ok(answer) => answer.status.to_string(),
            Err(_) => "nothing".to_owned(),
        });
        for outgoing in stripe.simulator.due_deliveries() {
            met.push(String::from_utf8_lossy(&outgoing.body).into_owned());
        }
    }
    met
}

#[test]
fn a_run_under_trouble_repeats_by_its_seed() {
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    let quiet = run(7).iter().filter(|seen| *seen == "200").count();
    assert!((15..40).contains(&quiet), "{quiet} of 40 calls went well");
}

#[test]
fn trouble_ends_by_order() {
    let stripe = Stripe::new();
    stripe.simulator.add_trouble(Trouble { seed: 1, percent: 100 });
    assert!(catch_unwind(AssertUnwindSafe(|| stripe.price(""))).is_err());
    stripe.simulator.add_trouble(Trouble { seed: 1, percent: 0 });
    stripe.price("");
}

#[test]
fn a_saved_world_is_gone_back_to_and_goes_on_the_same() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = id(&stripe.subscribe(&customer, &stripe.price(""), ""));
    stripe.simulator.advance(DAY);
    stripe.simulator.save("before").unwrap();
    let go_on = || {
        stripe.simulator.advance(31 * DAY);
        stripe.simulator.objects("invoice")
    };
    let first = go_on();
    stripe.delete(&format!("/v1/subscriptions/{subscription}"));
    stripe.simulator.load("before").unwrap();
    assert_eq!(stripe.simulator.now(), START + DAY);
    assert_eq!(stripe.simulator.objects("subscription")[0]["status"], "active");
    assert_eq!(go_on(), first, "the same ids and all");
    assert!(stripe.simulator.load("after").unwrap_err().contains("`after`"));
    for place in 1..16 {
        stripe.simulator.save(&place.to_string()).unwrap();
    }
    assert!(stripe.simulator.save("one too many").is_err());
    stripe.simulator.save("before").unwrap();
}
