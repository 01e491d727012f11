//! Items of a subscription, one by one: the same as an update of the whole.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, Stripe, id};

fn monthly(amount: i64) -> String {
    format!("unit_amount={amount}&recurring[interval]=month")
}

fn pending(stripe: &Stripe) -> Vec<Value> {
    let listed = stripe.get("/v1/invoiceitems", "pending=true");
    listed["data"].as_array().unwrap().iter().map(|item| item["amount"].clone()).collect()
}

#[test]
fn an_item_is_added_changed_and_deleted() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = id(&stripe.subscribe(&customer, &stripe.price(&monthly(1000)), ""));
    let seats = stripe.price(&monthly(310));
    stripe.simulator.advance(21 * DAY);
    let before = stripe.event_count();
    let form = format!("subscription={subscription}&price={seats}&quantity=2&metadata[kind]=seat");
    let added = stripe.post("/v1/subscription_items", &form);
    assert_eq!(
        (&added["quantity"], &added["metadata"], &added["subscription"]),
        (&json!(2), &json!({"kind": "seat"}), &json!(subscription))
    );
    assert_eq!(
        stripe.types_after(before),
        ["invoiceitem.created", "customer.subscription.updated"]
    );
    assert_eq!(pending(&stripe), [200], "ten of 31 days");
    let path = format!("/v1/subscription_items/{}", id(&added));
    assert_eq!(stripe.get(&path, ""), added);

    let changed = stripe.post(&path, "quantity=5&proration_behavior=none");
    assert_eq!((&changed["id"], &changed["quantity"]), (&added["id"], &json!(5)));
    assert_eq!(pending(&stripe), [200], "nothing more");

    let listed =
        stripe.get("/v1/subscription_items", &format!("subscription={subscription}&limit=1"));
    assert_eq!((&listed["has_more"], listed["data"].as_array().unwrap().len()), (&json!(true), 1));
    let form = format!("subscription={subscription}&starting_after={}", id(&listed["data"][0]));
    assert_eq!(stripe.get("/v1/subscription_items", &form)["data"], json!([changed]));

    assert_eq!(stripe.delete(&path)["deleted"], true);
    assert_eq!(pending(&stripe), [-200, 200]);
    assert_eq!(stripe.refused(Method::Get, &path, "").0, 404);
}

#[test]
fn a_change_of_an_item_can_be_invoiced_at_once() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(&monthly(1000)), "");
    let item = id(&subscription["items"]["data"][0]);
    stripe.simulator.advance(21 * DAY);
    let dearer = stripe.price(&monthly(3100));
    let date = stripe.simulator.now();
    stripe.simulator.advance(600);
    let form = format!("price={dearer}&proration_behavior=always_invoice&proration_date={date}");
    stripe.post(&format!("/v1/subscription_items/{item}"), &form);
    let invoice = stripe.get("/v1/invoices", "limit=1")["data"][0].clone();
    assert_eq!((&invoice["total"], &invoice["status"]), (&json!(1000 - 323), &json!("paid")));
}

#[test]
fn what_is_wrong_with_an_item_is_named_as_the_caller_named_it() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let item = format!("/v1/subscription_items/{}", id(&subscription["items"]["data"][0]));
    let of = format!("subscription={}", id(&subscription));
    let new = "/v1/subscription_items";
    for (method, path, form, status, param) in [
        (Method::Post, new, of.clone(), 400, "price"),
        (Method::Post, new, format!("{of}&price=price_x"), 404, "price"),
        (Method::Post, new, "price=price_x".to_owned(), 400, "subscription"),
        (Method::Post, new, format!("{of}&price=price_x&discounts[0][coupon]=x"), 501, "discounts"),
        (Method::Post, &item, "quantity=many".to_owned(), 400, "quantity"),
        (Method::Post, &item, "proration_behavior=some".to_owned(), 400, "proration_behavior"),
        (Method::Delete, &item, "clear_usage=maybe".to_owned(), 400, "clear_usage"),
        (Method::Delete, &item, String::new(), 400, "items"),
        (Method::Get, new, String::new(), 400, "subscription"),
        (Method::Get, "/v1/subscription_items/si_x", String::new(), 404, "item"),
    ] {
        let (found, error) = stripe.refused(method, path, &form);
        assert_eq!((found, &error["param"]), (status, &json!(param)), "{path} {form}: {error}");
    }
}
