//! Tax rates on subscriptions: on top of the price, or within it.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, Stripe, id};

fn rate(stripe: &Stripe, percentage: &str, inclusive: bool) -> String {
    let form = format!("display_name=VAT&percentage={percentage}&inclusive={inclusive}");
    id(&stripe.post("/v1/tax_rates", &form))
}

fn newest_invoice(stripe: &Stripe) -> Value {
    stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
}

#[test]
fn tax_comes_on_top_or_is_within() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    for (percentage, inclusive, total, tax, without) in [
        ("19", false, 3451, 551, 2900),
        ("19", true, 2900, 463, 2437),
        ("7.25", false, 3110, 210, 2900),
    ] {
        let rate = rate(&stripe, percentage, inclusive);
        let form = format!("default_tax_rates[0]={rate}");
        let subscription = stripe.subscribe(&customer, &stripe.price(""), &form);
        assert_eq!(subscription["default_tax_rates"][0]["id"], rate.as_str());
        let invoice = newest_invoice(&stripe);
        assert_eq!(
            (&invoice["subtotal"], &invoice["total"], &invoice["amount_paid"]),
            (&json!(2900), &json!(total), &json!(total))
        );
        assert_eq!(invoice["total_excluding_tax"], without);
        assert_eq!(invoice["total_taxes"][0]["amount"], tax, "{percentage} {inclusive}");
        let line = &invoice["lines"]["data"][0]["taxes"][0];
        assert_eq!(
            (&line["taxable_amount"], &line["tax_rate_details"]["tax_rate"]),
            (&json!(without), &json!(rate))
        );
    }
}

#[test]
fn prorations_are_taxed_after_discounts() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    stripe.post("/v1/coupons", "id=HALF&percent_off=50&duration=forever");
    let price = stripe.price("unit_amount=3100&recurring[interval]=month");
    let form =
        format!("default_tax_rates[0]={}&discounts[0][coupon]=HALF", rate(&stripe, "10", false));
    let subscription = stripe.subscribe(&customer, &price, &form);
    assert_eq!(newest_invoice(&stripe)["total"], 1550 + 155);
    stripe.simulator.advance(21 * DAY);
    let item = id(&subscription["items"]["data"][0]);
    let change =
        format!("items[0][id]={item}&items[0][quantity]=3&proration_behavior=always_invoice");
    stripe.post(&format!("/v1/subscriptions/{}", id(&subscription)), &change);
    // Ten of 31 days: 1500 for three seats, less 500 for one, and a tenth.
    assert_eq!(newest_invoice(&stripe)["total"], 1500 - 500 + 100);
}

#[test]
fn tax_rates_are_checked_and_archived() {
    let stripe = Stripe::new();
    for (form, param) in [
        ("percentage=19&inclusive=false", "display_name"),
        ("display_name=VAT&percentage=101&inclusive=false", "percentage"),
        ("display_name=VAT&percentage=19&inclusive=maybe", "inclusive"),
    ] {
        let (_, error) = stripe.refused(Method::Post, "/v1/tax_rates", form);
        assert_eq!(error["param"], param, "{form}");
    }
    let rate = rate(&stripe, "19", false);
    let path = format!("/v1/tax_rates/{rate}");
    assert_eq!(stripe.post(&path, "active=false&description=old")["active"], false);
    assert_eq!(stripe.get("/v1/tax_rates", "active=true")["data"], json!([]));
    let customer = stripe.customer_with("pm_card_visa");
    let form = format!(
        "customer={customer}&items[0][price]={}&default_tax_rates[0]={rate}",
        stripe.price("")
    );
    let (_, error) = stripe.refused(Method::Post, "/v1/subscriptions", &form);
    assert_eq!(error["param"], "default_tax_rates");
}
