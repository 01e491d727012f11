//! Money back.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{Stripe, id};

#[test]
fn a_charge_is_given_back_in_parts_and_never_twice() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    stripe.subscribe(&customer, &stripe.price(""), "");
    let charge = id(&stripe.get("/v1/charges", "")["data"][0]);
    let before = stripe.event_count();
    let form = format!("charge={charge}&amount=900&reason=requested_by_customer&metadata[a]=1");
    let refund = stripe.post("/v1/refunds", &form);
    assert_eq!((&refund["amount"], &refund["status"]), (&json!(900), &json!("succeeded")));
    assert_eq!(stripe.types_after(before), ["refund.created", "charge.refunded"]);
    let event = &stripe.events_after(before)[1];
    assert_eq!(event["data"]["previous_attributes"], json!({"amount_refunded": 0}));
    for amount in [0, 2001] {
        let form = format!("charge={charge}&amount={amount}");
        let (_, error) = stripe.refused(Method::Post, "/v1/refunds", &form);
        assert_eq!(error["param"], "amount");
    }
    let intent = refund["payment_intent"].as_str().unwrap();
    let rest = stripe.post("/v1/refunds", &format!("payment_intent={intent}&expand[]=charge"));
    assert_eq!(rest["amount"], 2000);
    assert_eq!(rest["charge"]["refunded"], true);
    let (_, error) = stripe.refused(Method::Post, "/v1/refunds", &format!("charge={charge}"));
    assert_eq!(error["code"], "charge_already_refunded");
    let listed = stripe.get("/v1/refunds", &format!("charge={charge}"));
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    let path = format!("/v1/refunds/{}", id(&refund));
    assert_eq!(stripe.post(&path, "metadata[a]=")["metadata"], json!({}));
    assert_eq!(stripe.get(&path, "")["charge"], charge.as_str());
}

#[test]
fn only_what_was_paid_is_given_back() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_chargeCustomerFail");
    stripe.subscribe(&customer, &stripe.price(""), "");
    let charge = stripe.get("/v1/charges", "")["data"][0].clone();
    let intent = charge["payment_intent"].as_str().unwrap();
    for (form, param) in [
        (String::new(), json!(null)),
        (format!("charge={}", id(&charge)), json!("charge")),
        (format!("payment_intent={intent}"), json!("payment_intent")),
        ("charge=ch_x".to_owned(), json!("charge")),
    ] {
        let (_, error) = stripe.refused(Method::Post, "/v1/refunds", &form);
        assert_eq!(error["param"], param, "{form}");
    }
}
