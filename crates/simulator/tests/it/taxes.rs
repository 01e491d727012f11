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

/// Totals of the newest invoice: all of it, and its tax.
fn total_and_tax(stripe: &Stripe) -> (Value, i64) {
    let invoice = newest_invoice(stripe);
    let taxes = invoice["total_taxes"].as_array().unwrap().iter();
    (invoice["total"].clone(), taxes.map(|tax| tax["amount"].as_i64().unwrap()).sum())
}

#[test]
fn an_items_own_rates_take_the_place_of_the_subscriptions() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let (usual, reduced) = (rate(&stripe, "20", false), rate(&stripe, "10", false));
    let (price, book) =
        (stripe.price("unit_amount=3100&recurring[interval]=month"), stripe.price(""));
    let form = format!(
        "items[1][price]={book}&items[1][tax_rates][0]={reduced}&default_tax_rates[0]={usual}"
    );
    let subscription = stripe.subscribe(&customer, &price, &form);
    let items = &subscription["items"]["data"];
    assert_eq!(items[1]["tax_rates"][0]["id"], reduced.as_str());
    assert_eq!(total_and_tax(&stripe), (json!(6000 + 620 + 290), 910));
    stripe.simulator.advance(21 * DAY);
    let path = format!("/v1/subscription_items/{}", id(&items[0]));
    let form = format!("quantity=2&tax_rates[0]={reduced}&proration_behavior=always_invoice");
    assert_eq!(stripe.post(&path, &form)["tax_rates"][0]["id"], reduced.as_str());
    // What was taxed by a fifth is given back so; the rest is taxed anew, by a tenth.
    assert_eq!(total_and_tax(&stripe), (json!(2200 - 1200), 200 - 200));
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let form = format!("items[0][id]={}&items[0][tax_rates]=", id(&items[0]));
    assert_eq!(stripe.post(&path, &form)["items"]["data"][0]["tax_rates"], json!([]));
    let preview = format!("subscription={}", id(&subscription));
    let preview = stripe.post("/v1/invoices/create_preview", &preview);
    assert_eq!(preview["total"], 6200 + 1240 + 2900 + 290);
    let form = format!(
        "customer={customer}&amount=100&currency=usd&tax_rates[0]={reduced}&subscription={}",
        id(&subscription)
    );
    let item = stripe.post("/v1/invoiceitems", &form);
    assert_eq!(item["tax_rates"][0]["id"], reduced.as_str());
    let preview = format!("subscription={}", id(&subscription));
    let preview = stripe.post("/v1/invoices/create_preview", &preview);
    assert_eq!(preview["total"], 6200 + 1240 + 2900 + 290 + 110);
}

#[test]
fn a_checkout_shows_the_tax_that_is_paid() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let (usual, within) = (rate(&stripe, "19", false), rate(&stripe, "19", true));
    for (more, total, tax) in [
        (format!("subscription_data[default_tax_rates][0]={usual}"), 3451, 551),
        (format!("subscription_data[default_tax_rates][0]={within}"), 2900, 463),
        (
            format!(
                "subscription_data[default_tax_rates][0]={within}&line_items[0][tax_rates][0]={usual}"
            ),
            3451,
            551,
        ),
    ] {
        let session = stripe.session(&price, &format!("customer_email=ann@example.com&{more}"));
        let path = format!("/v1/checkout/sessions/{session}");
        let shown = stripe.get(&path, "expand[]=line_items");
        assert_eq!(
            (&shown["amount_total"], &shown["total_details"]["amount_tax"]),
            (&json!(total), &json!(tax)),
            "{more}"
        );
        let line = &shown["line_items"]["data"][0];
        assert_eq!((&line["amount_total"], &line["amount_tax"]), (&json!(total), &json!(tax)));
        stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        assert_eq!(total_and_tax(&stripe), (json!(total), tax));
    }
}
