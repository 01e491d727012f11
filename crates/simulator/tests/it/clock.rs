//! What time does: renewals, failures, retries, trials.

use serde_json::{Value, json};

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;

fn swap_card(stripe: &Stripe, customer: &str, card: &str) {
    let method =
        stripe.post(&format!("/v1/payment_methods/{card}/attach"), &format!("customer={customer}"));
    let form = format!("invoice_settings[default_payment_method]={}", id(&method));
    stripe.post(&format!("/v1/customers/{customer}"), &form);
}

fn show(stripe: &Stripe, subscription: &Value) -> Value {
    stripe.get(&format!("/v1/subscriptions/{}", id(subscription)), "expand[]=latest_invoice")
}

#[test]
fn a_renewal_is_a_draft_for_an_hour_and_then_paid() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let before = stripe.event_count();
    stripe.simulator.advance(31 * DAY);
    assert_eq!(
        stripe.types_after(before),
        ["invoice.upcoming", "invoice.created", "customer.subscription.updated"]
    );
    let renewed = show(&stripe, &subscription);
    let (start, end) = (START + 31 * DAY, START + 59 * DAY);
    let item = &renewed["items"]["data"][0];
    assert_eq!(
        (&item["current_period_start"], &item["current_period_end"]),
        (&json!(start), &json!(end))
    );
    let invoice = &renewed["latest_invoice"];
    assert_eq!(invoice["status"], "draft");
    assert_eq!(invoice["automatically_finalizes_at"], start + HOUR);
    assert_eq!(invoice["period_start"], START);
    assert_eq!(invoice["lines"]["data"][0]["period"], json!({"start": start, "end": end}));
    let before = stripe.event_count();
    stripe.simulator.advance(HOUR);
    assert_eq!(
        stripe.types_after(before),
        [
            "invoice.finalized",
            "payment_intent.created",
            "payment_intent.succeeded",
            "charge.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
        ]
    );
    let events = stripe.events_after(before);
    assert!(events.iter().all(|event| event["request"]["id"].is_null()));
    assert!(events.iter().all(|event| event["created"] == start + HOUR));
    assert_eq!(show(&stripe, &subscription)["latest_invoice"]["status"], "paid");
}

#[test]
fn a_year_passes_in_one_step_as_in_many() {
    let year = |steps: i64| {
        let stripe = Stripe::new();
        let customer = stripe.customer_with("pm_card_visa");
        stripe.subscribe(&customer, &stripe.price(""), "");
        (0..steps).for_each(|_| stripe.simulator.advance(365 * DAY / steps));
        stripe.simulator.objects("event")
    };
    let events = year(1);
    assert_eq!(events, year(73));
    let paid = events.iter().filter(|event| event["type"] == "invoice.paid").count();
    assert_eq!(paid, 12, "the first and eleven renewals; the twelfth waits its hour");
}

#[test]
fn a_failing_card_is_tried_four_more_times_and_then_it_is_over() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    swap_card(&stripe, &customer, "pm_card_chargeCustomerFail");
    stripe.simulator.advance(31 * DAY);
    let before = stripe.event_count();
    stripe.simulator.advance(HOUR);
    assert_eq!(
        stripe.types_after(before),
        [
            "invoice.finalized",
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed",
            "invoice.updated",
            "invoice.payment_failed",
            "customer.subscription.updated",
            "customer.updated",
        ]
    );
    let late = show(&stripe, &subscription);
    assert_eq!(late["status"], "past_due");
    let finalized = START + 31 * DAY + HOUR;
    let mut tried = Vec::new();
    for _ in 0..8 {
        let invoice = show(&stripe, &subscription)["latest_invoice"].clone();
        tried.push(invoice["next_payment_attempt"].as_i64().map(|at| (at - finalized) / DAY));
        stripe.simulator.advance(DAY);
    }
    assert_eq!(tried[..4], [Some(1), Some(3), Some(3), Some(5)]);
    assert_eq!(tried[7], None);
    let over = show(&stripe, &subscription);
    assert_eq!(
        (&over["status"], &over["cancellation_details"]["reason"]),
        (&json!("canceled"), &json!("payment_failed"))
    );
    assert_eq!(over["ended_at"], finalized + 7 * DAY);
    assert_eq!(over["latest_invoice"]["attempt_count"], 5);
    assert_eq!(over["latest_invoice"]["auto_advance"], false);
}

#[test]
fn a_new_card_saves_a_late_subscription() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    swap_card(&stripe, &customer, "pm_card_chargeCustomerFail");
    stripe.simulator.advance(31 * DAY + HOUR);
    assert_eq!(stripe.get(&format!("/v1/customers/{customer}"), "")["delinquent"], true);
    swap_card(&stripe, &customer, "pm_card_visa");
    let before = stripe.event_count();
    stripe.simulator.advance(DAY);
    let told = stripe.types_after(before);
    assert_eq!(
        told,
        [
            "payment_intent.succeeded",
            "charge.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
            "customer.subscription.updated",
            "customer.updated",
        ]
    );
    assert_eq!(show(&stripe, &subscription)["status"], "active");
    assert_eq!(stripe.get(&format!("/v1/customers/{customer}"), "")["delinquent"], false);
}

#[test]
fn a_trial_warns_ends_and_is_billed() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "trial_period_days=14");
    assert_eq!(subscription["status"], "trialing");
    let before = stripe.event_count();
    stripe.simulator.advance(11 * DAY);
    assert_eq!(
        stripe.types_after(before),
        ["invoice.upcoming", "customer.subscription.trial_will_end"]
    );
    stripe.simulator.advance(3 * DAY);
    let begun = show(&stripe, &subscription);
    assert_eq!(begun["status"], "active");
    let anchor = START + 14 * DAY;
    assert_eq!(begun["billing_cycle_anchor"], anchor);
    assert_eq!(begun["items"]["data"][0]["current_period_end"], anchor + 31 * DAY);
    stripe.simulator.advance(HOUR);
    assert_eq!(show(&stripe, &subscription)["latest_invoice"]["amount_paid"], 2900);
}

#[test]
fn a_bank_that_wants_3ds_each_time_makes_a_renewal_late() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let renew = |card: &str| {
        let session = stripe.session(&price, "customer_email=ann@example.com");
        stripe.simulator.complete_checkout(&session, card).unwrap();
        stripe.get(&format!("/v1/checkout/sessions/{session}"), "expand[]=subscription")["subscription"].clone()
    };
    let once = renew("pm_card_authenticationRequiredOnSetup");
    let always = renew("pm_card_authenticationRequired");
    let before = stripe.event_count();
    stripe.simulator.advance(31 * DAY + HOUR);
    assert_eq!(show(&stripe, &once)["status"], "active");
    assert_eq!(show(&stripe, &always)["status"], "past_due");
    let told = stripe.types_after(before);
    for kind in ["payment_intent.requires_action", "invoice.payment_action_required"] {
        assert!(told.iter().any(|found| found == kind), "{kind}");
    }
}

#[test]
fn a_draft_can_be_finalised_paid_or_voided_by_hand() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    stripe.simulator.advance(31 * DAY);
    let invoice = id(&show(&stripe, &subscription)["latest_invoice"]);
    let path = |verb: &str| format!("/v1/invoices/{invoice}{verb}");
    let open = stripe.post(&path("/finalize"), "");
    assert_eq!((&open["status"], &open["amount_remaining"]), (&json!("open"), &json!(2900)));
    assert!(open["number"].as_str().unwrap().ends_with("-0002"));
    assert_eq!(stripe.post(&path("/pay"), "")["status"], "paid");
    stripe.simulator.advance(HOUR);
    assert_eq!(stripe.get(&path(""), "")["attempt_count"], 1, "paid once");
    assert_eq!(stripe.get(&path("/lines"), "")["data"].as_array().unwrap().len(), 1);
    stripe.simulator.advance(28 * DAY - HOUR);
    let next = id(&show(&stripe, &subscription)["latest_invoice"]);
    stripe.post(&format!("/v1/invoices/{next}/finalize"), "auto_advance=false");
    let void = stripe.post(&format!("/v1/invoices/{next}/void"), "expand[]=payments");
    assert_eq!(
        (&void["status"], &void["payments"]["data"][0]["status"]),
        (&json!("void"), &json!("canceled"))
    );
}

#[test]
fn many_subscriptions_renew_in_one_step() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("");
    let form = format!("customer={customer}&items[0][price]={price}");
    for _ in 0..200 {
        stripe.send(tollhouse_stripe::Method::Post, "/v1/subscriptions", &form, None).unwrap();
    }
    stripe.simulator.advance(31 * DAY + HOUR);
    let paid = stripe.simulator.objects("invoice").iter().filter(|i| i["status"] == "paid").count();
    assert_eq!(paid, 400);
}
