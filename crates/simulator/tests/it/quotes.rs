//! Quotes: offered, accepted, canceled, over; and what becomes of an accepted one.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{DAY, Stripe, id};

fn quote(stripe: &Stripe, customer: &str) -> String {
    let price = stripe.price("");
    let form = format!(
        "customer={customer}&description=For you&line_items[0][price]={price}\
         &line_items[0][quantity]=10"
    );
    let quote = stripe.post("/v1/quotes", &form);
    assert_eq!((&quote["status"], &quote["amount_total"]), (&json!("draft"), &json!(29_000)));
    id(&quote)
}

#[test]
fn an_accepted_quote_becomes_a_subscription() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let path = format!("/v1/quotes/{}", quote(&stripe, &customer));
    let (_, error) = stripe.refused(Method::Post, &format!("{path}/accept"), "");
    assert!(error["message"].as_str().unwrap().contains("draft"), "{error}");
    stripe.post(&path, "metadata[a]=1");
    let since = stripe.event_count();
    let open = stripe.post(&format!("{path}/finalize"), "");
    assert!(open["number"].as_str().unwrap().starts_with("QT-"));
    let accepted = stripe.post(&format!("{path}/accept"), "");
    assert_eq!(
        (&accepted["status"], &accepted["metadata"]["a"]),
        (&json!("accepted"), &json!("1"))
    );
    assert_eq!(
        stripe.types_after(since),
        [
            "quote.finalized",
            "customer.updated",
            "customer.subscription.created",
            "invoice.created",
            "quote.accepted"
        ]
    );
    let subscription = accepted["subscription"].as_str().unwrap();
    let subscription = stripe.get(&format!("/v1/subscriptions/{subscription}"), "");
    assert_eq!(
        (&subscription["status"], &subscription["customer"]),
        (&json!("active"), &json!(customer))
    );
    let invoice = format!("/v1/invoices/{}", accepted["invoice"].as_str().unwrap());
    assert_eq!(stripe.get(&invoice, "")["status"], "draft");
    stripe.simulator.advance(3600);
    let paid = stripe.get(&invoice, "");
    assert_eq!((&paid["status"], &paid["total"]), (&json!("paid"), &json!(29_000)));
    assert_eq!(stripe.refused(Method::Post, &format!("{path}/cancel"), "").0, 400);
}

#[test]
fn a_quote_is_canceled_by_hand_or_by_time() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let canceled = format!("/v1/quotes/{}", quote(&stripe, &customer));
    assert_eq!(stripe.post(&format!("{canceled}/cancel"), "")["status"], "canceled");
    assert_eq!(stripe.refused(Method::Post, &format!("{canceled}/finalize"), "").0, 400);
    let late = format!("/v1/quotes/{}", quote(&stripe, &customer));
    stripe.post(&format!("{late}/finalize"), "");
    let since = stripe.event_count();
    stripe.simulator.advance(30 * DAY);
    assert_eq!(stripe.get(&late, "")["status"], "canceled");
    assert_eq!(stripe.types_after(since), ["quote.canceled"]);
    let listed = stripe.get("/v1/quotes", &format!("customer={customer}&status=canceled"));
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
}

#[test]
fn line_items_are_shown_and_checked() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let path = format!("/v1/quotes/{}", quote(&stripe, &customer));
    let lines = stripe.get(&format!("{path}/line_items"), "");
    assert_eq!(lines["data"][0]["amount_total"], 29_000);
    let shown = stripe.get(&path, "expand[0]=line_items&expand[1]=customer");
    assert_eq!(shown["line_items"]["data"], lines["data"]);
    assert_eq!(shown["customer"]["id"], customer);
    let once = stripe.price("unit_amount=100");
    let form = format!("line_items[0][price]={once}&line_items[0][quantity]=1");
    assert_eq!(stripe.refused(Method::Post, "/v1/quotes", &form).0, 501);
    let (_, error) = stripe.refused(Method::Post, &path, "expires_at=1");
    assert_eq!(error["param"], "expires_at");
    let empty = id(&stripe.post("/v1/quotes", ""));
    assert_eq!(stripe.refused(Method::Post, &format!("/v1/quotes/{empty}/finalize"), "").0, 400);
}
