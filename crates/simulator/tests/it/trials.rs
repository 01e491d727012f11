//! A trial given to a subscription that runs already.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;

struct Case {
    stripe: Stripe,
    customer: String,
    subscription: Value,
    path: String,
}

/// Thirty-one dollars a month, since ten days.
fn running() -> Case {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=3100&recurring[interval]=month");
    let subscription = stripe.subscribe(&customer, &price, "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    stripe.simulator.advance(10 * DAY);
    Case { stripe, customer, subscription, path }
}

fn newest_invoice(stripe: &Stripe) -> Value {
    stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
}

#[test]
fn it_gives_back_the_rest_of_the_period_and_moves_the_anchor() {
    let Case { stripe, customer, subscription, path } = running();
    let end = START + 25 * DAY;
    let form = format!("subscription={}&subscription_details[trial_end]={end}", id(&subscription));
    let preview = stripe.post("/v1/invoices/create_preview", &form);
    let before = stripe.event_count();
    let trial = stripe.post(&path, &format!("trial_end={end}"));
    assert_eq!(
        stripe.types_after(before),
        [
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_succeeded",
            "customer.subscription.updated",
            "invoiceitem.created",
            "customer.updated",
        ]
    );
    let item = &trial["items"]["data"][0];
    for (found, expected) in [
        (&trial["status"], json!("trialing")),
        (&trial["billing_cycle_anchor"], json!(end)),
        (&trial["trial_start"], json!(START + 10 * DAY)),
        (&trial["trial_end"], json!(end)),
        (&item["current_period_start"], json!(START + 10 * DAY)),
        (&item["current_period_end"], json!(end)),
    ] {
        assert_eq!(*found, expected, "{trial:#}");
    }
    let invoice = newest_invoice(&stripe);
    let lines = invoice["lines"]["data"].as_array().unwrap();
    assert_eq!((&lines[0]["amount"], &lines[1]["amount"]), (&json!(-2100), &json!(0)));
    assert_eq!(lines[1]["description"], "Free trial for 1 × Pro");
    assert_eq!((&invoice["total"], &preview["total"]), (&json!(-2100), &json!(-2100)));
    let balance = || stripe.get(&format!("/v1/customers/{customer}"), "")["balance"].clone();
    assert_eq!(balance(), -2100);
    let before = stripe.event_count();
    stripe.simulator.advance(15 * DAY);
    assert_eq!(
        stripe.types_after(before),
        [
            "invoice.upcoming",
            "customer.subscription.trial_will_end",
            "customer.subscription.updated",
            "invoice.created"
        ]
    );
    stripe.simulator.advance(HOUR);
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 1000);
    assert_eq!(balance(), 0);
    let begun = stripe.get(&path, "");
    assert_eq!(begun["items"]["data"][0]["current_period_end"], end + 31 * DAY, "25 February");
}

#[test]
fn without_prorations_it_only_moves_the_day() {
    let Case { stripe, path, .. } = running();
    let end = START + 40 * DAY;
    stripe.post(&path, "cancel_at_period_end=true");
    let trial = stripe.post(&path, &format!("trial_end={end}&proration_behavior=none"));
    assert_eq!((&trial["status"], &trial["cancel_at"]), (&json!("trialing"), &json!(end)));
    assert_eq!(newest_invoice(&stripe)["total"], 0);
    stripe.post(&path, "cancel_at_period_end=false");
    stripe.simulator.advance(15 * DAY);
    let begun = stripe.post(&path, "trial_end=now");
    assert_eq!(begun["billing_cycle_anchor"], START + 25 * DAY);
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 3100);
}

#[test]
fn only_to_what_runs_and_for_two_years_at_most() {
    let Case { stripe, path, .. } = running();
    let now = stripe.simulator.now();
    for end in [now, now + 731 * DAY] {
        let (_, error) = stripe.refused(Method::Post, &path, &format!("trial_end={end}"));
        assert_eq!(error["param"], "trial_end");
    }
    stripe.post(&path, "trial_end=now");
    assert_eq!(stripe.get(&path, "")["status"], "active", "there is none to end");
    stripe.post(&format!("{path}/pause"), "");
    let (_, error) = stripe.refused(Method::Post, &path, &format!("trial_end={}", now + DAY));
    assert_eq!(error["param"], "trial_end");
}
