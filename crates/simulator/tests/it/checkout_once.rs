//! Checkouts that are paid once, and links that open them.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{Stripe, id};

fn session(stripe: &Stripe, more: &str) -> Value {
    let price = stripe.price("unit_amount=1500");
    let form = format!(
        "mode=payment&success_url=https://app.example/done&line_items[0][price]={price}\
         &line_items[0][quantity]=2&{more}"
    );
    stripe.post("/v1/checkout/sessions", &form)
}

#[test]
fn a_single_payment_leaves_a_payment_intent_and_no_customer() {
    let stripe = Stripe::new();
    let more = "payment_intent_data[description]=Two books&payment_intent_data[metadata][order]=7\
                &payment_intent_data[shipping][name]=Ann\
                &payment_intent_data[shipping][address][line1]=1 High Street";
    let made = session(&stripe, more);
    assert_eq!((&made["mode"], &made["amount_total"]), (&json!("payment"), &json!(3000)));
    let since = stripe.event_count();
    stripe.simulator.complete_checkout(&id(&made), "pm_card_visa").unwrap();
    let paid =
        stripe.get(&format!("/v1/checkout/sessions/{}", id(&made)), "expand[0]=payment_intent");
    assert_eq!((&paid["status"], &paid["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!(paid["customer"], json!(null));
    let intent = &paid["payment_intent"];
    assert_eq!(
        (&intent["amount_received"], &intent["metadata"]["order"]),
        (&json!(3000), &json!("7"))
    );
    assert_eq!(
        (&intent["description"], &intent["shipping"]["name"]),
        (&json!("Two books"), &json!("Ann"))
    );
    let told = [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ];
    assert_eq!(stripe.types_after(since), told);
}

#[test]
fn who_is_to_be_charged_again_becomes_a_customer_with_the_card() {
    let stripe = Stripe::new();
    let made = session(
        &stripe,
        "payment_intent_data[setup_future_usage]=off_session&customer_email=ann@example.com",
    );
    stripe.simulator.complete_checkout(&id(&made), "pm_card_visa").unwrap();
    let paid = stripe.get(&format!("/v1/checkout/sessions/{}", id(&made)), "");
    let customer = paid["customer"].as_str().unwrap();
    assert_eq!(stripe.get(&format!("/v1/customers/{customer}"), "")["email"], "ann@example.com");
    let cards = stripe.get(&format!("/v1/customers/{customer}/payment_methods"), "");
    assert_eq!(cards["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_declined_payment_leaves_the_session_open() {
    let stripe = Stripe::new();
    let made = session(&stripe, "");
    let error =
        stripe.simulator.complete_checkout(&id(&made), "pm_card_chargeDeclined").unwrap_err();
    assert_eq!(error["error"]["code"], "card_declined");
    let now = stripe.get(&format!("/v1/checkout/sessions/{}", id(&made)), "");
    assert_eq!((&now["status"], &now["payment_intent"]), (&json!("open"), &json!(null)));
    let expired = stripe.post(&format!("/v1/checkout/sessions/{}/expire", id(&made)), "");
    assert_eq!(expired["status"], "expired");
}

#[test]
fn modes_do_not_mix() {
    let stripe = Stripe::new();
    let monthly = stripe.price("");
    let form = |mode: &str, more: &str| {
        format!(
            "mode={mode}&success_url=https://app.example/done&line_items[0][price]={monthly}\
             &line_items[0][quantity]=1&{more}"
        )
    };
    for (form, param) in [
        (form("payment", ""), "line_items[0][price]"),
        (form("subscription", "payment_intent_data[description]=x"), "payment_intent_data"),
        (form("subscription", "customer_creation=always"), "customer_creation"),
    ] {
        let (status, error) = stripe.refused(Method::Post, "/v1/checkout/sessions", &form);
        assert_eq!((status, &error["param"]), (400, &json!(param)), "{form}");
    }
    assert_eq!(stripe.refused(Method::Post, "/v1/checkout/sessions", &form("setup", "")).0, 501);
}

#[test]
fn a_link_is_made_changed_and_listed() {
    let stripe = Stripe::new();
    let since = stripe.event_count();
    let price = stripe.price("");
    let form = format!("line_items[0][price]={price}&line_items[0][quantity]=1");
    let link = stripe.post("/v1/payment_links", &form);
    assert!(link["url"].as_str().unwrap().starts_with("http://127.0.0.1:12111/buy/plink_"));
    let path = format!("/v1/payment_links/{}", id(&link));
    let changed = stripe.post(&path, "allow_promotion_codes=true&metadata[a]=1");
    assert_eq!(
        (&changed["allow_promotion_codes"], stripe.get(&path, "")),
        (&json!(true), changed.clone())
    );
    stripe.post(&path, "active=false");
    assert_eq!(stripe.get("/v1/payment_links", "active=true")["data"], json!([]));
    let told = stripe.types_after(since);
    assert_eq!(
        &told[told.len() - 3..],
        ["payment_link.created", "payment_link.updated", "payment_link.updated"]
    );
    let missing = "line_items[0][price]=price_x&line_items[0][quantity]=1";
    assert_eq!(stripe.refused(Method::Post, "/v1/payment_links", missing).0, 404);
}
