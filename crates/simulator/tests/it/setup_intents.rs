//! Saving a card without a charge.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{Stripe, id};

#[test]
fn a_card_is_saved_for_its_customer() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", "email=ann@example.com"));
    let intent = stripe.post(
        "/v1/setup_intents",
        &format!("customer={customer}&automatic_payment_methods[enabled]=true&metadata[a]=1"),
    );
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["usage"], "off_session");
    assert!(intent["client_secret"].as_str().unwrap().starts_with(id(&intent).as_str()));
    let path = format!("/v1/setup_intents/{}", id(&intent));
    let (_, error) = stripe.refused(Method::Post, &format!("{path}/confirm"), "");
    assert_eq!(error["param"], "payment_method");
    let before = stripe.event_count();
    let done = stripe.post(&format!("{path}/confirm"), "payment_method=pm_card_visa");
    assert_eq!(done["status"], "succeeded");
    assert_eq!(stripe.types_after(before), ["payment_method.attached", "setup_intent.succeeded"]);
    let shown = stripe.get(&path, "expand[]=payment_method");
    assert_eq!(shown["payment_method"]["customer"], customer.as_str());
    for verb in ["confirm", "cancel"] {
        let (_, error) = stripe.refused(Method::Post, &format!("{path}/{verb}"), "");
        assert_eq!(error["code"], "setup_intent_unexpected_state", "{verb}");
    }
    let listed = stripe.get("/v1/setup_intents", &format!("customer={customer}"));
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_card_that_asks_for_3ds_waits_for_its_owner() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", ""));
    let create = |more: &str| {
        let form = format!(
            "customer={customer}&confirm=true&allowed_payment_method_types[0]=card\
             &payment_method=pm_card_authenticationRequiredOnSetup{more}"
        );
        stripe.post("/v1/setup_intents", &form)
    };
    let intent = create("&return_url=https://app.example/back");
    assert_eq!(intent["status"], "requires_action");
    let action = &intent["next_action"]["redirect_to_url"];
    assert_eq!(action["return_url"], "https://app.example/back");
    assert!(action["url"].as_str().unwrap().ends_with(&format!("/authenticate/{}", id(&intent))));
    stripe.simulator.authenticate(&id(&intent), true).unwrap();
    let done = stripe.get(&format!("/v1/setup_intents/{}", id(&intent)), "");
    assert_eq!(done["status"], "succeeded");
    let method = done["payment_method"].as_str().unwrap();
    // Set up once, it pays without a dialogue from now on.
    let form = format!("default_payment_method={method}");
    assert_eq!(stripe.subscribe(&customer, &stripe.price(""), &form)["status"], "active");

    let failed = create("");
    assert_eq!(failed["next_action"]["type"], "use_stripe_sdk");
    let before = stripe.event_count();
    let error = stripe.simulator.authenticate(&id(&failed), false).unwrap_err();
    assert_eq!(error["error"]["code"], "payment_intent_authentication_failure");
    assert_eq!(stripe.types_after(before), ["setup_intent.setup_failed"]);
    let path = format!("/v1/setup_intents/{}", id(&failed));
    assert_eq!(stripe.get(&path, "")["status"], "requires_payment_method");
    let canceled = stripe.post(&format!("{path}/cancel"), "cancellation_reason=abandoned");
    assert_eq!(
        (&canceled["status"], &canceled["cancellation_reason"]),
        (&json!("canceled"), &json!("abandoned"))
    );
    assert!(stripe.simulator.authenticate(&id(&failed), true).is_err());
}

#[test]
fn a_declined_card_is_refused_and_the_intent_says_why() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", ""));
    let form = format!("customer={customer}&confirm=true&payment_method=pm_card_chargeDeclined");
    let before = stripe.event_count();
    let (status, error) = stripe.refused(Method::Post, "/v1/setup_intents", &form);
    assert_eq!((status, &error["decline_code"]), (402, &json!("generic_decline")));
    assert_eq!(error["setup_intent"]["last_setup_error"]["code"], "card_declined");
    assert_eq!(stripe.types_after(before), ["setup_intent.created", "setup_intent.setup_failed"]);
    assert_eq!(stripe.refused(Method::Post, "/v1/setup_intents", "customer=cus_x").0, 404);
    assert_eq!(stripe.refused(Method::Post, "/v1/setup_intents", "confirm=true").0, 400);
    let form = "allowed_payment_method_types[0]=sepa_debit";
    assert_eq!(stripe.refused(Method::Post, "/v1/setup_intents", form).0, 501);
    let form = "payment_method_types[0]=card";
    let (_, error) = stripe.refused(Method::Post, "/v1/setup_intents", form);
    assert_eq!(error["code"], "parameter_unknown", "gone since endive");
}

#[test]
fn a_detached_card_is_nobodys_default() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let shown = stripe.get(&format!("/v1/customers/{customer}"), "");
    let method = shown["invoice_settings"]["default_payment_method"].as_str().unwrap();
    let form = format!("default_payment_method={method}");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), &form);
    let before = stripe.event_count();
    stripe.post(&format!("/v1/payment_methods/{method}/detach"), "");
    assert_eq!(
        stripe.types_after(before),
        ["payment_method.detached", "customer.updated", "customer.subscription.updated"]
    );
    let shown = stripe.get(&format!("/v1/subscriptions/{}", id(&subscription)), "");
    assert_eq!(shown["default_payment_method"], json!(null));
    let shown = stripe.get(&format!("/v1/customers/{customer}"), "");
    assert_eq!(shown["invoice_settings"]["default_payment_method"], json!(null));
    let (_, error) = stripe.refused(
        Method::Post,
        "/v1/setup_intents",
        &format!("customer={customer}&payment_method={method}"),
    );
    assert_eq!(error["code"], "payment_method_unexpected_state");
}
