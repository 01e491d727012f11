//! Schedules that begin their subscription: now, later, or never.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

fn schedule(stripe: &Stripe, customer: &str, more: &str) -> Value {
    let price = stripe.price("");
    let form = format!(
        "customer={customer}&phases[0][items][0][price]={price}&phases[0][items][0][quantity]=2&{more}"
    );
    stripe.post("/v1/subscription_schedules", &form)
}

fn status(stripe: &Stripe, schedule: &Value) -> String {
    let now = stripe.get(&format!("/v1/subscription_schedules/{}", id(schedule)), "");
    now["status"].as_str().unwrap().to_owned()
}

#[test]
fn one_that_begins_now_has_its_subscription_and_bills_it_an_hour_later() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let since = stripe.event_count();
    let made = schedule(&stripe, &customer, "start_date=now");
    assert_eq!(made["status"], "active");
    let told = stripe.types_after(since);
    assert_eq!(
        &told[told.len() - 4..],
        [
            "subscription_schedule.created",
            "customer.updated",
            "customer.subscription.created",
            "invoice.created",
        ]
    );
    let path = format!("/v1/subscriptions/{}", made["subscription"].as_str().unwrap());
    let subscription = stripe.get(&path, "expand[0]=latest_invoice");
    assert_eq!(
        (&subscription["status"], &subscription["schedule"]),
        (&json!("active"), &made["id"])
    );
    assert_eq!(subscription["latest_invoice"]["status"], "draft");
    stripe.simulator.advance(3600);
    let subscription = stripe.get(&path, "expand[0]=latest_invoice");
    let invoice = &subscription["latest_invoice"];
    assert_eq!((&invoice["status"], &invoice["total"]), (&json!("paid"), &json!(5800)));
}

#[test]
fn one_that_begins_later_waits_and_is_warned_of_before_it_ends() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let start = START + 10 * DAY;
    let made = schedule(&stripe, &customer, &format!("start_date={start}&end_behavior=cancel"));
    assert_eq!((&made["status"], &made["subscription"]), (&json!("not_started"), &json!(null)));
    let path = format!("/v1/subscription_schedules/{}", id(&made));
    assert_eq!(stripe.post(&path, "metadata[a]=1")["metadata"]["a"], "1");
    let since = stripe.event_count();
    stripe.simulator.advance(10 * DAY);
    assert_eq!(status(&stripe, &made), "active");
    assert_eq!(
        stripe.types_after(since),
        [
            "customer.updated",
            "customer.subscription.created",
            "invoice.created",
            "subscription_schedule.updated",
        ]
    );
    let since = stripe.event_count();
    stripe.simulator.advance(24 * DAY);
    assert!(stripe.types_after(since).contains(&"subscription_schedule.expiring".to_owned()));
    stripe.simulator.advance(7 * DAY);
    assert_eq!(status(&stripe, &made), "completed");
    let ended = &stripe.simulator.objects("subscription")[0];
    assert_eq!(ended["status"], "canceled");
}

#[test]
fn one_that_has_not_begun_is_canceled_without_a_trace() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let made = schedule(&stripe, &customer, &format!("start_date={}", START + DAY));
    let path = format!("/v1/subscription_schedules/{}/cancel", id(&made));
    assert_eq!(stripe.post(&path, "invoice_now=false&prorate=false")["status"], "canceled");
    stripe.simulator.advance(2 * DAY);
    assert!(stripe.simulator.objects("subscription").is_empty());
    assert_eq!(stripe.refused(Method::Post, &path, "").0, 400);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("");
    let subscription = id(&stripe.subscribe(&customer, &price, ""));
    let item = format!("phases[0][items][0][price]={price}");
    for (form, status, param) in [
        (format!("from_subscription={subscription}&{item}"), 400, "phases"),
        (format!("customer={customer}"), 400, "phases"),
        (item.clone(), 400, "customer"),
        (format!("customer={customer}&{item}&start_date={}", START - DAY), 501, "start_date"),
        (format!("customer=cus_x&{item}"), 404, "customer"),
    ] {
        let (found, error) = stripe.refused(Method::Post, "/v1/subscription_schedules", &form);
        assert_eq!((found, &error["param"]), (status, &json!(param)), "{form}");
    }
}
