//! Automatic tax: by the customer's country, from a table that somebody filled.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, Stripe, id};

const HOUR: i64 = 3600;
const PREVIEW: &str = "/v1/invoices/create_preview";

fn newest_invoice(stripe: &Stripe) -> Value {
    stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
}

/// A customer with a card who lives in `country`.
fn customer_in(stripe: &Stripe, country: &str) -> String {
    let customer = stripe.customer_with("pm_card_visa");
    stripe.post(&format!("/v1/customers/{customer}"), &format!("address[country]={country}"));
    customer
}

#[test]
fn the_country_decides_and_an_empty_table_takes_nothing() {
    let stripe = Stripe::new();
    stripe.simulator.set_tax("de", Some("19"), false).unwrap();
    stripe.simulator.set_tax("NZ", Some("15"), true).unwrap();
    let plain = stripe.price("");
    let within = stripe.price("unit_amount=2900&recurring[interval]=month&tax_behavior=inclusive");
    for (country, price, total, tax, behavior) in [
        ("DE", &plain, 3451, 551, "exclusive"),
        ("DE", &within, 2900, 463, "inclusive"),
        ("NZ", &plain, 2900, 378, "inclusive"),
        ("US", &plain, 2900, 0, ""),
    ] {
        let customer = customer_in(&stripe, country);
        let form = "automatic_tax[enabled]=true&expand[]=latest_invoice";
        let subscription = stripe.subscribe(&customer, price, form);
        assert_eq!(subscription["automatic_tax"]["enabled"], true);
        let invoice = &subscription["latest_invoice"];
        assert_eq!((&invoice["total"], &invoice["amount_paid"]), (&json!(total), &json!(total)));
        assert_eq!(
            invoice["automatic_tax"],
            json!({
                "disabled_reason": null, "enabled": true, "liability": { "type": "self" },
                "provider": "stripe", "status": "complete",
            })
        );
        let line = &invoice["lines"]["data"][0];
        if tax == 0 {
            assert_eq!((&invoice["total_taxes"], &line["taxes"]), (&json!([]), &json!([])));
            continue;
        }
        assert_eq!(
            (&invoice["total_taxes"][0]["amount"], &line["taxes"][0]["tax_behavior"]),
            (&json!(tax), &json!(behavior)),
            "{country}"
        );
        let rate = line["taxes"][0]["tax_rate_details"]["tax_rate"].as_str().unwrap();
        assert_eq!(stripe.get(&format!("/v1/tax_rates/{rate}"), "")["country"], country);
    }
    stripe.simulator.set_tax("DE", None, false).unwrap();
    let customer = customer_in(&stripe, "DE");
    stripe.subscribe(&customer, &plain, "automatic_tax[enabled]=true");
    assert_eq!(newest_invoice(&stripe)["total"], 2900);
    for (country, percentage) in [("Germany", "19"), ("D1", "19"), ("DE", "101"), ("DE", "-1")] {
        assert!(stripe.simulator.set_tax(country, Some(percentage), false).is_err());
    }
}

#[test]
fn it_is_switched_on_and_previewed_and_needs_a_country() {
    let stripe = Stripe::new();
    stripe.simulator.set_tax("DE", Some("19"), false).unwrap();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("");
    let form = format!("customer={customer}&items[0][price]={price}&automatic_tax[enabled]=true");
    let (status, error) = stripe.refused(Method::Post, "/v1/subscriptions", &form);
    assert_eq!((status, &error["code"]), (400, &json!("customer_tax_location_invalid")));
    let subscription = id(&stripe.subscribe(&customer, &price, ""));
    let path = format!("/v1/subscriptions/{subscription}");
    let (_, error) = stripe.refused(Method::Post, &path, "automatic_tax[enabled]=true");
    assert_eq!(error["code"], "customer_tax_location_invalid");
    let form = format!("subscription={subscription}&automatic_tax[enabled]=true");
    let preview = stripe.post(PREVIEW, &form);
    assert_eq!(preview["automatic_tax"]["status"], "requires_location_inputs");
    stripe.post(&format!("/v1/customers/{customer}"), "address[country]=DE");
    assert_eq!(stripe.post(PREVIEW, &form)["total"], 3451);
    let new = format!(
        "customer={customer}&subscription_details[items][0][price]={price}\
         &automatic_tax[enabled]=true"
    );
    assert_eq!(stripe.post(PREVIEW, &new)["total"], 3451);
    assert_eq!(stripe.post(&path, "automatic_tax[enabled]=true")["automatic_tax"]["enabled"], true);
    stripe.simulator.advance(31 * DAY + HOUR);
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 3451);
    let rate = id(&stripe.post("/v1/tax_rates", "display_name=VAT&percentage=7&inclusive=false"));
    let (_, error) = stripe.refused(Method::Post, &path, &format!("default_tax_rates[0]={rate}"));
    assert_eq!(error["param"], "automatic_tax[enabled]");
    let form = format!("automatic_tax[enabled]=false&default_tax_rates[0]={rate}");
    stripe.post(&path, &form);
    stripe.simulator.advance(28 * DAY);
    assert_eq!(newest_invoice(&stripe)["total"], 3103);
}

#[test]
fn a_lost_country_switches_it_off_and_the_payments_go_on() {
    let stripe = Stripe::new();
    stripe.simulator.set_tax("DE", Some("19"), false).unwrap();
    let customer = customer_in(&stripe, "DE");
    let subscription =
        id(&stripe.subscribe(&customer, &stripe.price(""), "automatic_tax[enabled]=true"));
    stripe.simulator.advance(31 * DAY);
    assert_eq!(newest_invoice(&stripe)["total"], 3451);
    stripe.post(&format!("/v1/customers/{customer}"), "address=");
    stripe.simulator.advance(HOUR);
    let invoice = newest_invoice(&stripe);
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&json!("paid"), &json!(2900)));
    assert_eq!(
        invoice["automatic_tax"]["disabled_reason"],
        "finalization_requires_location_inputs"
    );
    let shown = stripe.get(&format!("/v1/subscriptions/{subscription}"), "");
    assert_eq!(
        shown["automatic_tax"],
        json!({
            "disabled_reason": "requires_location_inputs", "enabled": false, "liability": null,
        })
    );
}

#[test]
fn a_checkout_learns_the_country_from_the_card() {
    let stripe = Stripe::new();
    stripe.simulator.set_tax("DE", Some("19"), false).unwrap();
    let session =
        stripe.session(&stripe.price(""), "automatic_tax[enabled]=true&customer_email=a@b.c");
    let path = format!("/v1/checkout/sessions/{session}");
    let open = stripe.get(&path, "");
    assert_eq!(
        (&open["automatic_tax"]["status"], &open["amount_total"]),
        (&json!("requires_location_inputs"), &json!(2900))
    );
    let error = stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap_err();
    assert_eq!(error["error"]["code"], "customer_tax_location_invalid");
    let form = "type=card&card[token]=tok_visa&billing_details[address][country]=DE";
    let method = id(&stripe.post("/v1/payment_methods", form));
    stripe.simulator.complete_checkout(&session, &method).unwrap();
    let paid = stripe.get(&path, "expand[]=customer&expand[]=invoice");
    assert_eq!(
        (&paid["amount_total"], &paid["total_details"]["amount_tax"]),
        (&json!(3451), &json!(551))
    );
    assert_eq!(paid["automatic_tax"]["status"], "complete");
    assert_eq!(paid["invoice"]["amount_paid"], 3451);
    assert_eq!(paid["customer"]["address"]["country"], "DE");
    stripe.simulator.set_tax("DE", None, false).unwrap();
    assert_eq!(stripe.get(&path, "")["amount_total"], 3451, "what was paid stays");
}

#[test]
fn of_a_known_customer_the_address_is_known_or_asked_for() {
    let stripe = Stripe::new();
    stripe.simulator.set_tax("DE", Some("19"), false).unwrap();
    let price = stripe.price("");
    let nowhere = stripe.customer_with("pm_card_visa");
    let form = |more: &str| {
        format!(
            "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1\
             &success_url=https://app.example/done&automatic_tax[enabled]=true&{more}"
        )
    };
    let path = "/v1/checkout/sessions";
    let (_, error) = stripe.refused(Method::Post, path, &form(&format!("customer={nowhere}")));
    assert_eq!(error["code"], "customer_tax_location_invalid");
    let (_, error) = stripe.refused(Method::Post, path, &form("customer_update[address]=auto"));
    assert_eq!(error["param"], "customer_update");
    let known = customer_in(&stripe, "DE");
    let session = stripe.post(path, &form(&format!("customer={known}")));
    assert_eq!(
        (&session["amount_total"], &session["automatic_tax"]["status"]),
        (&json!(3451), &json!("complete"))
    );
    let more =
        format!("customer={nowhere}&customer_update[address]=auto&customer_update[name]=auto");
    let session = id(&stripe.post(path, &form(&more)));
    let card = "type=card&card[token]=tok_visa&billing_details[address][country]=DE\
                &billing_details[name]=Ann Other";
    let method = id(&stripe.post("/v1/payment_methods", card));
    stripe.simulator.complete_checkout(&session, &method).unwrap();
    let customer = stripe.get(&format!("/v1/customers/{nowhere}"), "");
    assert_eq!(
        (&customer["address"]["country"], &customer["name"]),
        (&json!("DE"), &json!("Ann Other"))
    );
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 3451);
}
