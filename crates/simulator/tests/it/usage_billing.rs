//! Billing usage: at the end of its period, at the price it was used at, and exactly.

use serde_json::{Value, json};

use crate::{
    harness::{DAY, START, Stripe, id},
    usage::{meter, report},
};

/// 1 February 2027.
const SECOND_MONTH: i64 = START + 31 * DAY;

fn price(stripe: &Stripe, meter: &Value, more: &str) -> String {
    stripe.price(&format!(
        "recurring[interval]=month&recurring[usage_type]=metered&recurring[meter]={}&{more}",
        id(meter)
    ))
}

fn advance_to(stripe: &Stripe, moment: i64) {
    stripe.simulator.advance(moment - stripe.simulator.now());
}

fn latest(stripe: &Stripe, subscription: &Value) -> Value {
    let now = stripe.get(&format!("/v1/subscriptions/{}", id(subscription)), "");
    stripe.get(&format!("/v1/invoices/{}", now["latest_invoice"].as_str().unwrap()), "")
}

/// Amount, exact quantity, and how many hours each line is about.
fn lines(invoice: &Value) -> Vec<(i64, String, i64)> {
    let lines = invoice["lines"]["data"].as_array().unwrap().iter();
    lines
        .map(|line| {
            let period = &line["period"];
            let hours = period["end"].as_i64().unwrap() - period["start"].as_i64().unwrap();
            let quantity = line["quantity_decimal"].as_str().unwrap().to_owned();
            (line["amount"].as_i64().unwrap(), quantity, hours / 3600)
        })
        .collect()
}

const MONTH: i64 = 31 * 24;

#[test]
fn a_period_is_billed_at_its_end_by_formula_and_price() {
    let tiers = "billing_scheme=tiered&tiers_mode=graduated&tiers[0][up_to]=10\
                 &tiers[0][unit_amount]=0&tiers[1][up_to]=inf&tiers[1][unit_amount]=20";
    let package = "unit_amount=500&transform_quantity[divide_by]=10&transform_quantity[round]=up";
    for (formula, price_of, reports, amount, quantity) in [
        ("sum", "unit_amount=30", vec!["3", "4"], 210, "7"),
        ("sum", "unit_amount_decimal=0.5", vec!["3.5", "0.000001"], 2, "3.500001"),
        ("count", "unit_amount=30", vec!["3", "4"], 60, "2"),
        ("last", "unit_amount=30", vec!["3", "4"], 120, "4"),
        ("sum", tiers, vec!["9", "6.5"], 110, "15.5"),
        ("sum", package, vec!["9", "6.5"], 1000, "15.5"),
        ("sum", "unit_amount=30", vec!["3", "-5"], 0, "0"),
        ("sum", "unit_amount=30", vec![], 0, "0"),
    ] {
        let stripe = Stripe::new();
        let meter = meter(&stripe, formula);
        let price = price(&stripe, &meter, price_of);
        let customer = stripe.customer_with("pm_card_visa");
        let subscription = stripe.subscribe(&customer, &price, "");
        assert!(lines(&latest(&stripe, &subscription)).is_empty(), "no usage yet, no line");
        stripe.simulator.advance(DAY);
        for value in &reports {
            report(&stripe, &customer, value, "");
            stripe.simulator.advance(60);
        }
        let preview = format!("subscription={}", id(&subscription));
        let preview = stripe.post("/v1/invoices/create_preview", &preview);
        let expected = [(amount, quantity.to_owned(), MONTH)];
        assert_eq!(lines(&preview), expected, "preview: {formula} {price_of} {reports:?}");
        advance_to(&stripe, SECOND_MONTH + 7200);
        let invoice = latest(&stripe, &subscription);
        assert_eq!(lines(&invoice), expected, "{formula} {price_of} {reports:?}");
        assert_eq!(invoice["status"], "paid");
        let line = &invoice["lines"]["data"][0];
        let whole = quantity.parse::<i64>().ok();
        assert_eq!(line["quantity"], json!(whole));
        // What was billed once is not billed again.
        advance_to(&stripe, SECOND_MONTH + 28 * DAY + 7200);
        let again = latest(&stripe, &subscription);
        assert_eq!(lines(&again)[0].1, "0", "{formula} {price_of} {reports:?}");
    }
}

#[test]
fn usage_of_a_trial_costs_nothing() {
    let stripe = Stripe::new();
    let meter = meter(&stripe, "sum");
    let price = price(&stripe, &meter, "unit_amount=30");
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &price, "trial_period_days=10");
    report(&stripe, &customer, "5", "");
    stripe.simulator.advance(10 * DAY + 7200);
    assert_eq!(lines(&latest(&stripe, &subscription)), [(0, "0".to_owned(), 240)]);
    report(&stripe, &customer, "2", "");
    advance_to(&stripe, START + 41 * DAY + 7200);
    assert_eq!(lines(&latest(&stripe, &subscription)), [(60, "2".to_owned(), MONTH)]);
}

#[test]
fn an_end_bills_what_was_used_until_then_if_asked() {
    for (invoices_now, expected) in [(true, vec![(90, "3".to_owned(), 24)]), (false, vec![])] {
        let stripe = Stripe::new();
        let meter = meter(&stripe, "sum");
        let price = price(&stripe, &meter, "unit_amount=30");
        let customer = stripe.customer_with("pm_card_visa");
        let subscription = stripe.subscribe(&customer, &price, "");
        report(&stripe, &customer, "3", "");
        stripe.simulator.advance(DAY);
        let path = format!("/v1/subscriptions/{}", id(&subscription));
        let preview =
            format!("subscription={}&subscription_details[cancel_now]=true", id(&subscription));
        let preview = stripe.post("/v1/invoices/create_preview", &preview);
        assert_eq!(lines(&preview), [(90, "3".to_owned(), 24)]);
        let form = format!("invoice_now={invoices_now}");
        let answer = stripe.send(tollhouse_stripe::Method::Delete, &path, &form, None).unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(lines(&latest(&stripe, &subscription)), expected);
    }
    let stripe = Stripe::new();
    let meter = meter(&stripe, "sum");
    let price = price(&stripe, &meter, "unit_amount=30");
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &price, "cancel_at_period_end=true");
    report(&stripe, &customer, "3", "");
    advance_to(&stripe, SECOND_MONTH + 7200);
    assert_eq!(lines(&latest(&stripe, &subscription)), [(90, "3".to_owned(), MONTH)]);
}

#[test]
fn usage_is_billed_at_the_price_it_was_used_at() {
    let stripe = Stripe::new();
    let meter = meter(&stripe, "sum");
    let (old, new) =
        (price(&stripe, &meter, "unit_amount=30"), price(&stripe, &meter, "unit_amount=10"));
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &old, "");
    report(&stripe, &customer, "3", "");
    stripe.simulator.advance(DAY);
    let item = id(&subscription["items"]["data"][0]);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    stripe.post(&path, &format!("items[0][id]={item}&items[0][price]={new}"));
    report(&stripe, &customer, "5", "");
    advance_to(&stripe, SECOND_MONTH + 7200);
    assert_eq!(
        lines(&latest(&stripe, &subscription)),
        [(90, "3".to_owned(), 24), (50, "5".to_owned(), MONTH - 24)]
    );
}

#[test]
fn a_removed_item_bills_its_usage_with_the_next_invoice() {
    let stripe = Stripe::new();
    let meter = meter(&stripe, "sum");
    let metered = price(&stripe, &meter, "unit_amount=30");
    let base = stripe.price("");
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &base, &format!("items[1][price]={metered}"));
    report(&stripe, &customer, "3", "");
    stripe.simulator.advance(DAY);
    let items = subscription["items"]["data"].as_array().unwrap();
    let item = items.iter().find(|item| item["price"]["id"] == metered).unwrap();
    stripe.delete(&format!("/v1/subscription_items/{}", id(item)));
    report(&stripe, &customer, "7", "");
    advance_to(&stripe, SECOND_MONTH + 7200);
    let invoice = latest(&stripe, &subscription);
    let amounts: Vec<i64> = lines(&invoice).iter().map(|(amount, ..)| *amount).collect();
    assert_eq!(amounts, [90, 2900]);
}

#[test]
fn usage_of_a_pause_costs_nothing_and_usage_before_it_does() {
    let stripe = Stripe::new();
    let meter = meter(&stripe, "sum");
    let price = price(&stripe, &meter, "unit_amount=30");
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &price, "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    report(&stripe, &customer, "1", "");
    stripe.simulator.advance(DAY);
    stripe.post(&format!("{path}/pause"), "type=subscription");
    report(&stripe, &customer, "20", "");
    stripe.simulator.advance(DAY);
    stripe.post(&format!("{path}/resume"), "");
    assert_eq!(lines(&latest(&stripe, &subscription)), [(30, "1".to_owned(), 24)]);
    report(&stripe, &customer, "300", "");
    stripe.simulator.advance(31 * DAY + 7200);
    assert_eq!(lines(&latest(&stripe, &subscription)), [(9000, "300".to_owned(), MONTH)]);
}
