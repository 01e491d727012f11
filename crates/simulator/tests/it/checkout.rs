//! The story: a price, a checkout, a payment, and what follows.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

/// As observed at Stripe for a new customer.
const PAID: [&str; 13] = [
    "charge.succeeded",
    "payment_method.attached",
    "customer.created",
    "customer.updated",
    "checkout.session.completed",
    "customer.subscription.created",
    "payment_intent.created",
    "payment_intent.succeeded",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
];

#[test]
fn a_new_customer_pays_and_everything_comes_into_being() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let session = stripe.session(
        &price,
        "customer_email=ann@example.com&client_reference_id=tenant_1&metadata[a]=session\
         &subscription_data[metadata][b]=subscription",
    );
    let opened = stripe.get(&format!("/v1/checkout/sessions/{session}"), "");
    assert_eq!(opened["url"], format!("http://127.0.0.1:12111/c/pay/{session}"));
    assert_eq!((&opened["amount_total"], &opened["status"]), (&json!(2900), &json!("open")));

    let before = stripe.event_count();
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    assert_eq!(stripe.types_after(before), PAID);

    let done = stripe.get(
        &format!("/v1/checkout/sessions/{session}"),
        "expand[]=subscription.latest_invoice.payments&expand[]=customer&expand[]=line_items",
    );
    assert_eq!((&done["status"], &done["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!(done["url"], json!(null));
    assert_eq!(done["customer"]["email"], "ann@example.com");
    assert_eq!(done["line_items"]["data"][0]["price"]["id"], price);
    let subscription = &done["subscription"];
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["metadata"], json!({"b": "subscription"}), "not the session's own");
    let item = &subscription["items"]["data"][0];
    assert_eq!(item["current_period_start"], START);
    assert_eq!(item["current_period_end"], START + 31 * DAY);
    let invoice = &subscription["latest_invoice"];
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&json!("paid"), &json!(2900)));
    assert_eq!(invoice["payments"]["data"][0]["status"], "paid");
    assert_eq!(subscription["default_payment_method"].as_str().map(|id| &id[..3]), Some("pm_"));
}

#[test]
fn events_name_their_request_and_their_version() {
    let stripe = Stripe::new();
    stripe.send(Method::Post, "/v1/customers", "", Some("k1")).unwrap();
    let created = &stripe.events_after(0)[0];
    assert_eq!(created["request"]["idempotency_key"], "test-k1");
    assert!(created["request"]["id"].as_str().unwrap().starts_with("req_"));
    assert_eq!(created["api_version"], "2026-10-28.endive");
    let session = stripe.session(&stripe.price(""), "customer_email=a@b.c");
    let before = stripe.event_count();
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    for event in stripe.events_after(before) {
        assert!(event["request"]["id"].is_string(), "a page is a request too");
    }
}

#[test]
fn an_existing_customer_keeps_their_id() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", "email=ann@example.com"));
    let session = stripe.session(&stripe.price(""), &format!("customer={customer}"));
    let before = stripe.event_count();
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    let types = stripe.types_after(before);
    assert!(!types.contains(&"customer.created".to_owned()));
    let place = |kind: &str| types.iter().position(|found| found == kind);
    assert!(place("checkout.session.completed") < place("customer.updated"), "{types:?}");
    let listed = stripe.get("/v1/subscriptions", &format!("customer={customer}"));
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let methods = stripe.get(&format!("/v1/customers/{customer}/payment_methods"), "type=card");
    assert_eq!(methods["data"][0]["card"]["last4"], "4242");
}

#[test]
fn a_trial_costs_nothing_today() {
    let stripe = Stripe::new();
    let session = stripe.session(
        &stripe.price(""),
        "customer_email=ann@example.com&subscription_data[trial_period_days]=14",
    );
    let before = stripe.event_count();
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    let types = stripe.types_after(before);
    assert!(
        !types.iter().any(|kind| kind.starts_with("charge") || kind.starts_with("payment_intent"))
    );
    let done = stripe.get(&format!("/v1/checkout/sessions/{session}"), "expand[]=subscription");
    assert_eq!(done["payment_status"], "no_payment_required");
    assert_eq!(done["amount_total"], 0);
    let subscription = &done["subscription"];
    assert_eq!(subscription["status"], "trialing");
    assert_eq!(subscription["trial_end"], START + 14 * DAY);
    assert_eq!(subscription["items"]["data"][0]["current_period_end"], START + 14 * DAY);
}

#[test]
fn stripes_own_tools_pay_without_a_page() {
    let stripe = Stripe::new();
    let session = stripe.session(&stripe.price(""), "customer_email=ann@example.com");
    stripe.get(&format!("/v1/payment_pages/{session}"), "");
    let method = id(&stripe.post(
        "/v1/payment_methods",
        "type=card&card[token]=tok_visa&billing_details[email]=ann@example.com",
    ));
    let path = format!("/v1/payment_pages/{session}/confirm");
    let (_, error) =
        stripe.refused(Method::Post, &path, &format!("payment_method={method}&expected_amount=1"));
    assert_eq!(error["param"], "expected_amount");
    let paid = stripe.post(&path, &format!("payment_method={method}&expected_amount=2900"));
    assert_eq!(paid["status"], "complete");
    let again = stripe.refused(Method::Post, &path, "payment_method=pm_card_visa");
    assert_eq!(again.0, 400, "a session is paid once");
}

#[test]
fn a_session_expires_by_call_or_by_time_and_only_while_open() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let by_call = stripe.session(&price, "");
    let expired = stripe.post(&format!("/v1/checkout/sessions/{by_call}/expire"), "");
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &json!(null)));
    let again =
        stripe.refused(Method::Post, &format!("/v1/checkout/sessions/{by_call}/expire"), "");
    assert_eq!(again.0, 400);
    let by_time = stripe.session(&price, "");
    let paid = stripe.session(&price, "customer_email=a@b.c");
    stripe.simulator.complete_checkout(&paid, "pm_card_visa").unwrap();
    let before = stripe.event_count();
    stripe.simulator.advance(DAY);
    assert_eq!(stripe.types_after(before), ["checkout.session.expired"]);
    let events = stripe.events_after(before);
    assert_eq!(events[0]["data"]["object"]["id"], by_time.as_str());
    assert_eq!(events[0]["request"]["id"], json!(null), "time did it");
    assert!(stripe.simulator.complete_checkout(&by_time, "pm_card_visa").is_err());
}

#[test]
fn a_session_is_checked_as_stripe_checks_it() {
    let stripe = Stripe::new();
    let licensed = stripe.price("");
    let one_time = stripe.price("unit_amount=100");
    let meter = id(&stripe.post(
        "/v1/billing/meters",
        "display_name=Calls&event_name=calls&default_aggregation[formula]=sum",
    ));
    let metered = stripe.price(&format!(
        "unit_amount_decimal=0.5&recurring[interval]=month&recurring[usage_type]=metered\
         &recurring[meter]={meter}"
    ));
    let good = |more: &str| format!("mode=subscription&success_url=https://a.example&{more}");
    let line = format!("line_items[0][price]={licensed}&line_items[0][quantity]=1");
    for (form, code, param) in [
        (good(""), "parameter_missing", "line_items"),
        (format!("mode=subscription&{line}"), "parameter_missing", "success_url"),
        (format!("mode=subscription&success_url=done&{line}"), "url_invalid", "success_url"),
        (format!("success_url=https://a.example&{line}"), "parameter_missing", "mode"),
        (good(&format!("{line}&mode=setup")), "not_simulated", "mode"),
        (
            good(&format!("{line}&discounts[0][coupon]=x")),
            "resource_missing",
            "discounts[0][coupon]",
        ),
        (
            good(&format!("{line}&subscription_data[cancel_at]=1")),
            "parameter_unknown",
            "subscription_data[cancel_at]",
        ),
        (
            good(&format!("{line}&subscription_data[trial_settings][x]=1")),
            "parameter_unknown",
            "subscription_data[trial_settings][x]",
        ),
        (
            good(&format!("line_items[0][price]={licensed}")),
            "parameter_missing",
            "line_items[0][quantity]",
        ),
        (good(&format!("{line}&customer=cus_x")), "resource_missing", "customer"),
    ] {
        let (_, error) = stripe.refused(Method::Post, "/v1/checkout/sessions", &form);
        assert_eq!(error["code"], code, "{form}: {error}");
        assert_eq!(error["param"], param, "{form}: {error}");
    }
    for form in [
        good(&format!("line_items[0][price]={one_time}&line_items[0][quantity]=1")),
        good(&format!("line_items[0][price]={metered}&line_items[0][quantity]=1")),
    ] {
        let (status, error) = stripe.refused(Method::Post, "/v1/checkout/sessions", &form);
        assert_eq!((status, &error["type"]), (400, &json!("invalid_request_error")), "{error}");
    }
    let session = stripe.post(
        "/v1/checkout/sessions",
        &good(&format!("{line}&line_items[1][price]={metered}&customer_email=a@b.c")),
    );
    stripe.simulator.complete_checkout(&id(&session), "pm_card_visa").unwrap();
    let lines =
        stripe.get(&format!("/v1/checkout/sessions/{}/line_items", id(&session)), "limit=1");
    assert_eq!(lines["has_more"], true);
    let invoice = &stripe.simulator.objects("invoice")[0];
    assert_eq!(invoice["lines"]["data"].as_array().unwrap().len(), 1, "no line without usage");
}
