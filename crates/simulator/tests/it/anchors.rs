//! Subscriptions that begin on a calendar given, or with an end.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe};

/// START is 1 January 2027, midnight.
const MIDNIGHT: &str = "billing_cycle_anchor_config[hour]=0&billing_cycle_anchor_config[minute]=0&billing_cycle_anchor_config[second]=0";

#[test]
fn the_first_period_is_the_part_before_the_anchor() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=3100&recurring[interval]=month");
    stripe.simulator.advance(9 * DAY);
    let on = format!("billing_cycle_anchor_config[day_of_month]=31&{MIDNIGHT}");
    let subscription = stripe.subscribe(&customer, &price, &on);
    let item = &subscription["items"]["data"][0];
    assert_eq!(item["current_period_start"], START + 9 * DAY);
    assert_eq!(item["current_period_end"], START + 30 * DAY, "31 January");
    assert_eq!(subscription["billing_cycle_anchor"], START + 30 * DAY);
    let invoice = stripe.get("/v1/invoices", "limit=1")["data"][0].clone();
    assert_eq!(invoice["amount_paid"], 2100, "21 of the 31 days from 31 December");

    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    for (days, end) in [(28, 58), (31, 89), (30, 119)] {
        stripe.simulator.advance(days * DAY);
        let item = &stripe.get(&path, "")["items"]["data"][0];
        assert_eq!(item["current_period_end"], START + end * DAY, "clamped from the 31st");
    }
}

#[test]
fn an_anchor_can_be_a_moment_within_the_first_period() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=3100&recurring[interval]=month");
    let at = |moment: i64| format!("billing_cycle_anchor={moment}");
    let subscription = stripe.subscribe(&customer, &price, &at(START + 10 * DAY));
    assert_eq!(subscription["items"]["data"][0]["current_period_end"], START + 10 * DAY);
    let form = |moment: i64| format!("customer={customer}&items[0][price]={price}&{}", at(moment));
    for moment in [START - 1, START + 32 * DAY] {
        let (_, refused) = stripe.refused(Method::Post, "/v1/subscriptions", &form(moment));
        assert_eq!(refused["param"], "billing_cycle_anchor", "{refused}");
    }
    let nowhere = format!(
        "customer={customer}&items[0][price]={price}&billing_cycle_anchor_config[day_of_month]=32"
    );
    let (_, refused) = stripe.refused(Method::Post, "/v1/subscriptions", &nowhere);
    assert_eq!(refused["param"], "billing_cycle_anchor_config[day_of_month]");
}

#[test]
fn a_change_in_a_first_part_is_counted_by_the_whole_period() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=3100&recurring[interval]=month");
    let better = stripe.price("unit_amount=6200&recurring[interval]=month");
    let at = format!("billing_cycle_anchor={}", START + 21 * DAY);
    let subscription = stripe.subscribe(&customer, &price, &at);
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    let item = subscription["items"]["data"][0]["id"].as_str().unwrap();
    stripe.simulator.advance(11 * DAY);
    stripe.post(
        &path,
        &format!("items[0][id]={item}&items[0][price]={better}&proration_behavior=always_invoice"),
    );
    let invoice = stripe.get("/v1/invoices", "limit=1")["data"][0].clone();
    // 22 December to 22 January is 31 days: ten of them at 3100 back, and at 6200.
    assert_eq!(invoice["total"], 1000);
}

#[test]
fn an_end_can_be_set_from_the_beginning() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=3100&recurring[interval]=month");
    let subscription = stripe.subscribe(&customer, &price, "cancel_at_period_end=true");
    assert_eq!(subscription["cancel_at_period_end"], true);
    assert_eq!(subscription["cancel_at"], START + 31 * DAY);
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    stripe.simulator.advance(31 * DAY);
    assert_eq!(stripe.get(&path, "")["status"], json!("canceled"));
}
