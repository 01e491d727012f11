//! Search: objects found by what they say, page by page.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{Stripe, id};

fn found(stripe: &Stripe, what: &str, query: &str) -> Vec<Value> {
    let answer = stripe.get(&format!("/v1/{what}/search"), &format!("query={query}"));
    assert_eq!(answer["object"], "search_result");
    answer["data"].as_array().unwrap().iter().map(|object| object["id"].clone()).collect()
}

#[test]
fn each_kind_is_found_by_its_fields_and_metadata() {
    let stripe = Stripe::new();
    let price = stripe.price("lookup_key=pro&unit_amount=900&recurring[interval]=month");
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &price, "metadata[order]=6735");
    let invoice = subscription["latest_invoice"].as_str().unwrap();
    let product = stripe.get(&format!("/v1/prices/{price}"), "")["product"].clone();
    for (what, query, expected) in [
        ("customers", "email:\"ANN@example.com\"", json!(customer)),
        ("customers", "name~\"ann\" AND created>0", json!(customer)),
        ("subscriptions", "metadata[\"order\"]:\"6735\"", subscription["id"].clone()),
        ("subscriptions", "status:\"active\"", subscription["id"].clone()),
        ("invoices", "total>=900 AND status:\"paid\"", json!(invoice)),
        ("prices", "lookup_key:\"pro\" AND active:\"true\"", json!(price)),
        ("products", "name:\"Pro\"", product),
    ] {
        assert_eq!(found(&stripe, what, query), [expected], "{what} {query}");
        let none = "created>99999999999";
        if ["customers", "subscriptions", "invoices"].contains(&what) {
            assert!(found(&stripe, what, none).is_empty(), "{what}");
        }
    }
    let by_subscription = format!("subscription:\"{}\"", id(&subscription));
    assert_eq!(found(&stripe, "invoices", &by_subscription), [json!(invoice)]);
    let charges = found(&stripe, "charges", "payment_method_details.card.last4:\"4242\"");
    let intents = found(&stripe, "payment_intents", &format!("customer:\"{customer}\" amount:900"));
    assert_eq!((charges.len(), intents.len()), (1, 1));
    let (status, error) = stripe.refused(Method::Get, "/v1/prices/search", "query=nickname:\"x\"");
    assert_eq!((status, &error["param"]), (400, &json!("query")));
}

#[test]
fn results_come_in_pages_and_are_counted_on_demand() {
    let stripe = Stripe::new();
    let made: Vec<Value> = (0..5)
        .map(|number| stripe.post("/v1/customers", &format!("name=Ann {number}"))["id"].clone())
        .collect();
    let mut pages = Vec::new();
    let mut page = String::new();
    loop {
        let form = format!("query=name~\"ann\"&limit=2&expand[]=total_count{page}");
        let answer = stripe.get("/v1/customers/search", &form);
        assert_eq!(answer["total_count"], 5);
        pages.extend(answer["data"].as_array().unwrap().iter().map(|found| found["id"].clone()));
        let Some(next) = answer["next_page"].as_str() else { break };
        page = format!("&page={next}");
    }
    pages.reverse();
    assert_eq!(pages, made);
}
