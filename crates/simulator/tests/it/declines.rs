//! Cards that do not pay.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{Stripe, id};

#[test]
fn a_declined_card_leaves_the_session_open_and_a_trace() {
    let stripe = Stripe::new();
    let session = stripe.session(&stripe.price(""), "customer_email=ann@example.com");
    let before = stripe.event_count();
    let error =
        stripe.simulator.complete_checkout(&session, "pm_card_visa_chargeDeclined").unwrap_err();
    assert_eq!(error["error"]["type"], "card_error");
    assert_eq!(error["error"]["decline_code"], "generic_decline");
    assert_eq!(
        stripe.types_after(before),
        ["charge.failed", "payment_intent.created", "payment_intent.payment_failed"]
    );
    let open = stripe.get(&format!("/v1/checkout/sessions/{session}"), "");
    assert_eq!(open["status"], "open");
    for kind in ["customer", "subscription", "invoice"] {
        assert!(stripe.simulator.objects(kind).is_empty(), "no {kind}");
    }
    let intents = stripe.get("/v1/payment_intents", "");
    assert_eq!(intents["data"][0]["last_payment_error"]["code"], "card_declined");
    assert_eq!(stripe.get("/v1/charges", "")["data"][0]["failure_code"], "card_declined");
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
}

#[test]
fn each_test_card_declines_in_its_own_way() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    for (card, code, decline_code) in [
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ] {
        let session = stripe.session(&price, "customer_email=ann@example.com");
        let path = format!("/v1/payment_pages/{session}/confirm");
        let (status, error) =
            stripe.refused(Method::Post, &path, &format!("payment_method={card}"));
        assert_eq!(status, 402, "{card}");
        assert_eq!((&error["code"], &error["decline_code"]), (&json!(code), &json!(decline_code)));
    }
}

#[test]
fn numbers_are_checked_before_any_bank_is_asked() {
    let stripe = Stripe::new();
    let form = |number: &str, rest: &str| format!("type=card&card[number]={number}&{rest}");
    let valid = "card[exp_month]=12&card[exp_year]=2030&card[cvc]=123";
    stripe.post("/v1/payment_methods", &form("4242424242424242", valid));
    for (form, code) in [
        (form("4242424242424241", valid), "incorrect_number"),
        (form("4000056655665556", valid), "card_declined"),
        (
            form("4242424242424242", "card[exp_month]=13&card[exp_year]=2030"),
            "invalid_expiry_month",
        ),
        (form("4242424242424242", "card[exp_month]=12&card[exp_year]=2026"), "invalid_expiry_year"),
    ] {
        let (status, error) = stripe.refused(Method::Post, "/v1/payment_methods", &form);
        assert_eq!((status, &error["code"]), (402, &json!(code)), "{form}");
    }
}

#[test]
fn declined_cards_do_not_attach_but_the_one_made_for_it() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", ""));
    let attach = |card: &str| format!("/v1/payment_methods/{card}/attach");
    let form = format!("customer={customer}");
    let (status, _) = stripe.refused(Method::Post, &attach("pm_card_chargeDeclined"), &form);
    assert_eq!(status, 402);
    let method = stripe.post(&attach("pm_card_chargeCustomerFail"), &form);
    assert!(id(&method).starts_with("pm_") && id(&method) != "pm_card_chargeCustomerFail");
    let again = stripe.post(&attach("pm_card_visa"), &form);
    assert_ne!(id(&again), id(&stripe.post(&attach("pm_card_visa"), &form)), "a new id each time");
    stripe.post(&format!("/v1/payment_methods/{}/detach", id(&method)), "");
    let (_, error) = stripe.refused(Method::Post, &attach(&id(&method)), &form);
    assert_eq!(error["code"], "payment_method_unexpected_state");
}

#[test]
fn an_unpaid_first_invoice_waits_a_day_less_an_hour() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_chargeCustomerFail");
    let price = stripe.price("");
    let subscription =
        stripe.subscribe(&customer, &price, "expand[]=latest_invoice.confirmation_secret");
    assert_eq!(subscription["status"], "incomplete");
    assert!(subscription["latest_invoice"]["confirmation_secret"]["client_secret"].is_string());
    let refused =
        format!("customer={customer}&items[0][price]={price}&payment_behavior=error_if_incomplete");
    assert_eq!(stripe.refused(Method::Post, "/v1/subscriptions", &refused).0, 402);
    assert_eq!(stripe.simulator.objects("subscription").len(), 1, "nothing was made");

    let rescued = stripe.subscribe(&customer, &price, "");
    let method =
        stripe.post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={customer}"));
    let before = stripe.event_count();
    let invoice = rescued["latest_invoice"].as_str().unwrap();
    let paid = stripe
        .post(&format!("/v1/invoices/{invoice}/pay"), &format!("payment_method={}", id(&method)));
    assert_eq!(paid["status"], "paid");
    let told = stripe.types_after(before);
    assert_eq!(told.last().map(String::as_str), Some("customer.subscription.updated"), "{told:?}");
    stripe.simulator.advance(23 * 3600);
    let status = |of: &serde_json::Value| {
        stripe.get(&format!("/v1/subscriptions/{}", id(of)), "")["status"].clone()
    };
    assert_eq!(status(&subscription), "incomplete_expired");
    assert_eq!(status(&rescued), "active");
    let invoice = subscription["latest_invoice"]["id"].as_str().unwrap();
    assert_eq!(stripe.get(&format!("/v1/invoices/{invoice}"), "")["status"], "void");
}

#[test]
fn a_card_belongs_to_one_customer() {
    let stripe = Stripe::new();
    let ann = stripe.customer_with("pm_card_visa");
    let listed = stripe.get(&format!("/v1/customers/{ann}/payment_methods"), "");
    let card = id(&listed["data"][0]);
    let stolen = format!("payment_method={card}");
    for (path, form) in [
        ("/v1/customers".to_owned(), stolen.clone()),
        (
            format!(
                "/v1/payment_pages/{}/confirm",
                stripe.session(&stripe.price(""), "customer_email=bob@example.com")
            ),
            stolen,
        ),
    ] {
        let (_, error) = stripe.refused(Method::Post, &path, &form);
        assert_eq!(error["code"], "payment_method_unexpected_state", "{path}");
    }
    assert_eq!(stripe.simulator.objects("customer").len(), 1);
    let own = stripe.session(&stripe.price(""), &format!("customer={ann}"));
    let before = stripe.event_count();
    stripe.simulator.complete_checkout(&own, &card).unwrap();
    assert!(!stripe.types_after(before).contains(&"payment_method.attached".to_owned()));
}
