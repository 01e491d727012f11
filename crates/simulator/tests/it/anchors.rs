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

#[test]
fn the_part_before_the_anchor_may_be_free() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=3100&recurring[interval]=month");
    let anchor = START + 10 * DAY;
    let preview = format!(
        "customer={customer}&subscription_details[items][0][price]={price}\
         &subscription_details[billing_cycle_anchor][type]=timestamp\
         &subscription_details[billing_cycle_anchor][timestamp]={anchor}\
         &subscription_details[proration_behavior]=none"
    );
    let preview = stripe.post("/v1/invoices/create_preview", &preview);
    assert_eq!((&preview["total"], &preview["created"]), (&json!(3100), &json!(anchor)));
    let free = format!("billing_cycle_anchor={anchor}&proration_behavior=none");
    let before = stripe.event_count();
    let subscription = stripe.subscribe(&customer, &price, &free);
    assert_eq!(
        (&subscription["status"], &subscription["latest_invoice"]),
        (&json!("active"), &json!(null))
    );
    assert_eq!(stripe.types_after(before), ["customer.updated", "customer.subscription.created"]);
    let session = stripe.session(
        &price,
        &format!(
            "customer={customer}&subscription_data[billing_cycle_anchor]={anchor}\
             &subscription_data[proration_behavior]=none"
        ),
    );
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    let paid = stripe.get(&format!("/v1/checkout/sessions/{session}"), "");
    assert_eq!(
        (&paid["amount_total"], &paid["payment_status"], &paid["invoice"]),
        (&json!(0), &json!("no_payment_required"), &json!(null))
    );
    stripe.simulator.advance(10 * DAY + 3600);
    let invoices = stripe.get("/v1/invoices", "");
    let totals: Vec<_> =
        invoices["data"].as_array().unwrap().iter().map(|i| &i["amount_paid"]).collect();
    assert_eq!(totals, [3100, 3100]);
}

#[test]
fn a_trial_and_an_anchor_do_not_go_together_here() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("");
    let both = format!("billing_cycle_anchor={}&trial_period_days=7", START + 10 * DAY);
    let form = format!("customer={customer}&items[0][price]={price}&{both}");
    assert_eq!(stripe.refused(Method::Post, "/v1/subscriptions", &form).0, 501);
    let form = format!(
        "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1\
         &success_url=https://app.example/done\
         &subscription_data[billing_cycle_anchor]={}&subscription_data[trial_period_days]=7",
        START + 10 * DAY
    );
    assert_eq!(stripe.refused(Method::Post, "/v1/checkout/sessions", &form).0, 501);
}

#[test]
fn a_new_subscription_is_previewed_without_lines_for_usage() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("");
    let meter = "display_name=Calls&event_name=calls&default_aggregation[formula]=sum";
    let meter = stripe.post("/v1/billing/meters", meter);
    let metered = stripe.price(&format!(
        "unit_amount=2&recurring[interval]=month&recurring[usage_type]=metered&recurring[meter]={}",
        meter["id"].as_str().unwrap()
    ));
    let form = format!(
        "customer={customer}&subscription_details[items][0][price]={price}\
         &subscription_details[items][1][price]={metered}"
    );
    let preview = stripe.post("/v1/invoices/create_preview", &form);
    assert_eq!(preview["lines"]["data"].as_array().unwrap().len(), 1);
}
