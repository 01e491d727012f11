//! Deliveries: signed, repeated, and troubled by order.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tollhouse_simulator::{DeliveryFault, DeliveryFaultKind};
use tollhouse_stripe::{Method, signature};

use crate::{
    harness::{DAY, START, Stripe, id},
    schema,
};

const ENDPOINT: &str = "url=https://app.example/stripe&enabled_events[]=customer.*";

fn listen(stripe: &Stripe) -> (String, String) {
    let endpoint = stripe.post("/v1/webhook_endpoints", ENDPOINT);
    (id(&endpoint), endpoint["secret"].as_str().unwrap().to_owned())
}

#[test]
fn a_delivery_is_signed_with_the_wall_clocks_time() {
    let stripe = Stripe::new();
    let (endpoint, secret) = listen(&stripe);
    let shown = stripe.get(&format!("/v1/webhook_endpoints/{endpoint}"), "");
    assert!(shown.get("secret").is_none(), "only once");
    stripe.simulator.advance(100 * DAY);
    stripe.post("/v1/customers", "");
    stripe.post("/v1/products", "name=not_listened_to");
    let due = stripe.simulator.due_deliveries();
    assert_eq!(due.len(), 1);
    let delivery = &due[0];
    let header = |name: &str| {
        delivery.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    };
    let signed = header("Stripe-Signature").unwrap();
    assert_eq!(signature::verify(&delivery.body, signed, &[secret], START), Ok(START));
    assert_eq!(header("Content-Type"), Some("application/json; charset=utf-8"));
    let event: Value = serde_json::from_slice(&delivery.body).unwrap();
    schema::check_event(&event);
    assert_eq!(
        (&event["type"], &event["pending_webhooks"]),
        (&json!("customer.created"), &json!(1))
    );
    assert_eq!(event["id"], delivery.event_id.as_str());
    assert!(stripe.simulator.due_deliveries().is_empty(), "handed out once");
    stripe.simulator.delivery_answered(&delivery.id, Some(200));
    let event = stripe.get(&format!("/v1/events/{}", delivery.event_id), "");
    assert_eq!(event["pending_webhooks"], 0);
}

#[test]
fn what_is_not_acknowledged_comes_again_newly_signed() {
    let stripe = Stripe::new();
    let (_, secret) = listen(&stripe);
    stripe.post("/v1/customers", "");
    for (status, after) in [(None, 60), (Some(500), 300), (Some(302), 1800)] {
        let due = stripe.simulator.due_deliveries();
        assert_eq!(due.len(), 1);
        stripe.simulator.delivery_answered(&due[0].id, status);
        stripe.simulator.advance(after - 1);
        assert!(stripe.simulator.due_deliveries().is_empty());
        stripe.simulator.advance(1);
    }
    stripe.wall.fetch_add(1000, Ordering::SeqCst);
    let due = stripe.simulator.due_deliveries();
    let signed = &due[0].headers.iter().find(|(name, _)| name == "Stripe-Signature").unwrap().1;
    assert_eq!(signature::verify(&due[0].body, signed, &[secret], START + 1000), Ok(START + 1000));
}

#[test]
fn nobody_is_asked_for_more_than_three_days() {
    let stripe = Stripe::new();
    listen(&stripe);
    stripe.post("/v1/customers", "");
    let mut attempts = 0;
    for _ in 0..(5 * 24) {
        for delivery in stripe.simulator.due_deliveries() {
            attempts += 1;
            stripe.simulator.delivery_answered(&delivery.id, None);
        }
        stripe.simulator.advance(3600);
    }
    assert!((8..=12).contains(&attempts), "{attempts} attempts");
}

#[test]
fn an_endpoint_switched_off_hears_nothing_more() {
    let stripe = Stripe::new();
    let (endpoint, _) = listen(&stripe);
    let path = format!("/v1/webhook_endpoints/{endpoint}");
    stripe.post("/v1/customers", "");
    assert_eq!(stripe.post(&path, "disabled=true")["status"], "disabled");
    assert!(stripe.simulator.due_deliveries().is_empty());
    stripe.post(&path, "disabled=false&enabled_events[]=*");
    stripe.post("/v1/products", "name=x");
    assert_eq!(stripe.simulator.due_deliveries().len(), 1);
    stripe.delete(&path);
    assert_eq!(stripe.refused(Method::Get, &path, "").0, 404);
    let other_version = format!("{ENDPOINT}&api_version=2024-06-20");
    assert_eq!(stripe.refused(Method::Post, "/v1/webhook_endpoints", &other_version).0, 501);
}

#[test]
fn deliveries_go_astray_by_order() {
    let stripe = Stripe::new();
    listen(&stripe);
    let order = |kind| stripe.simulator.add_delivery_fault(DeliveryFault { kind, times: 1 });
    order(DeliveryFaultKind::Drop);
    stripe.post("/v1/customers", "name=dropped");
    order(DeliveryFaultKind::Duplicate);
    stripe.post("/v1/customers", "name=twice");
    stripe.post("/v1/customers", "name=last");
    order(DeliveryFaultKind::Reverse);
    let due = stripe.simulator.due_deliveries();
    let names: Vec<Value> = due
        .iter()
        .map(|delivery| {
            let event: Value = serde_json::from_slice(&delivery.body).unwrap();
            event["data"]["object"]["name"].clone()
        })
        .collect();
    assert_eq!(names, ["last", "twice", "twice"]);
    assert_eq!(due[1].event_id, due[2].event_id);
}
