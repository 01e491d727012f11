//! First payments that need something: a dialogue, a card, a word.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, Stripe, id};

const SECRET: &str = "expand[]=latest_invoice.confirmation_secret";

/// The intent behind the client secret of the first invoice.
fn intent(subscription: &Value) -> String {
    let secret = &subscription["latest_invoice"]["confirmation_secret"]["client_secret"];
    secret.as_str().unwrap().split("_secret_").next().unwrap().to_owned()
}

fn status(stripe: &Stripe, subscription: &Value) -> Value {
    stripe.get(&format!("/v1/subscriptions/{}", id(subscription)), "")["status"].clone()
}

#[test]
fn three_d_secure_keeps_a_subscription_incomplete_until_it_is_passed() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_authenticationRequired");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), SECRET);
    assert_eq!(subscription["status"], "incomplete");
    let path = format!("/v1/payment_intents/{}", intent(&subscription));
    assert_eq!(stripe.get(&path, "")["status"], "requires_action");
    assert!(stripe.simulator.authenticate(&intent(&subscription), false).is_err());
    let failed = stripe.get(&path, "");
    assert_eq!(failed["status"], "requires_payment_method");
    assert_eq!(failed["last_payment_error"]["code"], "payment_intent_authentication_failure");
    let form = "payment_method=pm_card_threeDSecure2Required";
    let waits = stripe.post(&format!("{path}/confirm"), form);
    assert_eq!(waits["status"], "requires_action");
    let before = stripe.event_count();
    stripe.simulator.authenticate(&intent(&subscription), true).unwrap();
    assert_eq!(
        stripe.types_after(before),
        [
            "payment_method.attached",
            "payment_intent.succeeded",
            "charge.succeeded",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
            "customer.subscription.updated",
        ]
    );
    assert_eq!(status(&stripe, &subscription), "active");
    let (_, error) = stripe.refused(Method::Post, &format!("{path}/confirm"), form);
    assert_eq!(error["code"], "payment_intent_unexpected_state");
}

#[test]
fn default_incomplete_waits_for_the_customers_word() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let customer = stripe.customer_with("pm_card_visa");
    let form = format!("payment_behavior=default_incomplete&items[0][quantity]=3&{SECRET}");
    let subscription = stripe.subscribe(&customer, &price, &form);
    assert_eq!(subscription["status"], "incomplete");
    let path = format!("/v1/payment_intents/{}", intent(&subscription));
    let waits = stripe.get(&path, "");
    assert_eq!(
        (&waits["status"], &waits["amount"]),
        (&json!("requires_confirmation"), &json!(8700))
    );
    assert_eq!(stripe.post(&format!("{path}/confirm"), "")["status"], "succeeded");
    assert_eq!(status(&stripe, &subscription), "active");

    let nobody = id(&stripe.post("/v1/customers", ""));
    let form = format!("{form}&payment_settings[save_default_payment_method]=on_subscription");
    let subscription = stripe.subscribe(&nobody, &price, &form);
    let path = format!("/v1/payment_intents/{}", intent(&subscription));
    let (status, error) = stripe.refused(Method::Post, &format!("{path}/confirm"), "");
    assert_eq!((status, &error["code"]), (400, &json!("payment_intent_unexpected_state")));
    let form = "payment_method=pm_card_chargeDeclined";
    let (status, error) = stripe.refused(Method::Post, &format!("{path}/confirm"), form);
    assert_eq!((status, &error["code"]), (402, &json!("card_declined")));
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    let paid = stripe.post(&format!("{path}/confirm"), "payment_method=pm_card_visa");
    let shown = stripe.get(&format!("/v1/subscriptions/{}", id(&subscription)), "");
    assert_eq!(shown["status"], "active");
    assert_eq!(shown["default_payment_method"], paid["payment_method"], "kept on the subscription");
}

#[test]
fn without_a_card_nothing_is_made_and_a_trial_asks_for_one() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let customer = id(&stripe.post("/v1/customers", ""));
    let form = format!("customer={customer}&items[0][price]={price}");
    let (status, error) = stripe.refused(Method::Post, "/v1/subscriptions", &form);
    assert_eq!((status, &error["code"]), (400, &json!("resource_missing")));
    assert!(stripe.simulator.objects("subscription").is_empty());

    let form = "trial_period_days=7&payment_behavior=default_incomplete";
    let trial = stripe.subscribe(&customer, &price, form);
    assert_eq!(trial["status"], "trialing");
    let intent = trial["pending_setup_intent"].as_str().unwrap();
    let path = format!("/v1/setup_intents/{intent}/confirm");
    stripe.post(&path, "payment_method=pm_card_visa");
    let shown = stripe.get(&format!("/v1/subscriptions/{}", id(&trial)), "");
    assert_eq!(shown["pending_setup_intent"], json!(null));
    assert!(shown["default_payment_method"].is_string());
    stripe.simulator.advance(7 * DAY + 3600);
    let listed = stripe.get("/v1/invoices", "limit=1");
    assert_eq!(
        (&listed["data"][0]["status"], &listed["data"][0]["total"]),
        (&json!("paid"), &json!(2900))
    );
}

#[test]
fn an_invoice_paid_with_another_card_completes_the_subscription() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let customer = stripe.customer_with("pm_card_authenticationRequired");
    let form = format!("customer={customer}&items[0][price]={price}");
    let refused = format!("{form}&payment_behavior=error_if_incomplete");
    let (status, error) = stripe.refused(Method::Post, "/v1/subscriptions", &refused);
    assert_eq!((status, &error["code"]), (402, &json!("authentication_required")));
    let subscription = stripe.subscribe(&customer, &price, SECRET);
    let path = format!("/v1/invoices/{}/pay", id(&subscription["latest_invoice"]));
    let (_, error) = stripe.refused(Method::Post, &path, "");
    assert_eq!(error["code"], "invoice_payment_intent_requires_action");
    let method =
        stripe.post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={customer}"));
    stripe.post(&path, &format!("payment_method={}", id(&method)));
    assert_eq!(self::status(&stripe, &subscription), "active");
}
