//! `invoice.upcoming`: told some days before what a renewal will bill.

use serde_json::{Value, json};
use tollhouse_simulator::SettingsChange;

use crate::harness::{DAY, START, Stripe, id};

const FEBRUARY: i64 = START + 31 * DAY;

fn told_after(stripe: &Stripe, since: usize) -> Vec<Value> {
    let events = stripe.events_after(since).into_iter();
    events.filter(|event| event["type"] == "invoice.upcoming").collect()
}

fn set_days(stripe: &Stripe, days: i64) {
    let change = SettingsChange { invoice_upcoming_days: Some(days), ..Default::default() };
    stripe.simulator.change_settings(&change).unwrap();
}

#[test]
fn seven_days_before_it_says_what_will_be_billed() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=1000&recurring[interval]=month");
    let subscription = stripe.subscribe(&customer, &price, "");
    stripe.post("/v1/invoiceitems", &format!("customer={customer}&amount=50&currency=usd"));
    stripe.simulator.advance(24 * DAY - 1);
    assert!(told_after(&stripe, 0).is_empty());
    stripe.simulator.advance(1);
    let told = told_after(&stripe, 0);
    let invoice = &told[0]["data"]["object"];
    assert!(id(invoice).starts_with("upcoming_in_"));
    for (field, expected) in [
        ("total", json!(1050)),
        ("billing_reason", json!("upcoming")),
        ("status", json!("draft")),
        ("next_payment_attempt", json!(FEBRUARY + 3600)),
    ] {
        assert_eq!(invoice[field], expected, "{field}");
    }
    let details = &invoice["parent"]["subscription_details"];
    assert_eq!(details["subscription"], subscription["id"]);
    stripe.simulator.advance(35 * DAY);
    assert_eq!(told_after(&stripe, 0).len(), 2, "once a period");
}

#[test]
fn not_of_what_ends_is_sent_or_not_collected() {
    for (with, then, told) in [
        ("", "", 1),
        ("", "cancel_at_period_end=true", 0),
        ("", "pause_collection[behavior]=void", 0),
        ("collection_method=send_invoice&days_until_due=30", "", 0),
        ("trial_period_days=31", "", 1),
    ] {
        let stripe = Stripe::new();
        let customer = stripe.customer_with("pm_card_visa");
        let subscription = stripe.subscribe(&customer, &stripe.price(""), with);
        if !then.is_empty() {
            stripe.post(&format!("/v1/subscriptions/{}", id(&subscription)), then);
        }
        stripe.simulator.advance(30 * DAY);
        assert_eq!(told_after(&stripe, 0).len(), told, "{with} {then}");
    }
}

#[test]
fn not_of_a_trial_that_would_end_for_want_of_a_card() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", ""));
    for (behavior, told) in [("cancel", 0), ("pause", 0), ("create_invoice", 1)] {
        let before = stripe.event_count();
        let form = format!(
            "trial_period_days=14&trial_settings[end_behavior][missing_payment_method]={behavior}"
        );
        stripe.subscribe(&customer, &stripe.price(""), &form);
        stripe.simulator.advance(8 * DAY);
        assert_eq!(told_after(&stripe, before).len(), told, "{behavior}");
    }
}

#[test]
fn not_of_a_schedule_that_cancels_and_of_the_next_phase_where_there_is_one() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let cheap = stripe.price("unit_amount=500&recurring[interval]=month");
    let price = stripe.price("");
    let scheduled = |form: &str| {
        let subscription = id(&stripe.subscribe(&customer, &price, ""));
        let from = format!("from_subscription={subscription}");
        let schedule = stripe.post("/v1/subscription_schedules", &from);
        stripe.post(&format!("/v1/subscription_schedules/{}", id(&schedule)), form);
    };
    scheduled("end_behavior=cancel");
    scheduled(&format!(
        "phases[0][items][0][price]={price}&phases[0][end_date]={FEBRUARY}\
         &phases[1][items][0][price]={cheap}"
    ));
    stripe.simulator.advance(30 * DAY);
    let told = told_after(&stripe, 0);
    let totals: Vec<&Value> = told.iter().map(|event| &event["data"]["object"]["total"]).collect();
    assert_eq!(totals, [500]);
}

#[test]
fn the_days_are_set_and_a_shorter_period_has_none() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let daily = stripe.price("unit_amount=100&recurring[interval]=day");
    stripe.subscribe(&customer, &daily, "");
    stripe.simulator.advance(5 * DAY);
    assert!(told_after(&stripe, 0).is_empty());
    set_days(&stripe, 1);
    stripe.simulator.advance(2 * DAY);
    assert_eq!(told_after(&stripe, 0).len(), 2, "as soon as the period begins");
    set_days(&stripe, 30);
    let before = stripe.event_count();
    stripe.subscribe(&customer, &stripe.price(""), "");
    stripe.simulator.advance(DAY);
    assert_eq!(told_after(&stripe, before)[0]["data"]["object"]["total"], 2900);
    let wrong = SettingsChange { invoice_upcoming_days: Some(366), ..Default::default() };
    assert!(stripe.simulator.change_settings(&wrong).is_err());
}

#[test]
fn an_end_that_was_taken_back_does_not_tell_it_twice() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    stripe.post(&path, &format!("cancel_at={}", START + 10 * DAY));
    stripe.post(&path, "cancel_at=");
    stripe.simulator.advance(30 * DAY);
    assert_eq!(told_after(&stripe, 0).len(), 1);
}
