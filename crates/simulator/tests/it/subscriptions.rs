//! Subscriptions made, changed and ended by the API.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

#[test]
fn made_and_paid_at_once() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("");
    let before = stripe.event_count();
    let form = "items[0][quantity]=3&metadata[tenant]=t1&expand[]=latest_invoice";
    let subscription = stripe.subscribe(&customer, &price, form);
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["latest_invoice"]["amount_paid"], 8700);
    assert_eq!(subscription["latest_invoice"]["billing_reason"], "subscription_create");
    let snapshot = &subscription["latest_invoice"]["parent"]["subscription_details"]["metadata"];
    assert_eq!(*snapshot, json!({"tenant": "t1"}));
    assert_eq!(
        stripe.types_after(before),
        [
            "charge.succeeded",
            "customer.updated",
            "customer.subscription.created",
            "payment_intent.succeeded",
            "payment_intent.created",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
        ]
    );
    let events = stripe.events_after(before);
    assert_eq!(events[2]["data"]["object"]["status"], "active", "told once, in its final state");
    let listed = stripe
        .get("/v1/invoice_payments", &format!("invoice={}", id(&subscription["latest_invoice"])));
    assert_eq!(listed["data"][0]["amount_paid"], 8700);
}

#[test]
fn items_change_without_proration() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let item = id(&subscription["items"]["data"][0]);
    let before = stripe.event_count();
    let form = format!("items[0][id]={item}&items[0][quantity]=5&proration_behavior=none");
    assert_eq!(stripe.post(&path, &form)["items"]["data"][0]["quantity"], 5);
    let event = &stripe.events_after(before)[0];
    assert_eq!(event["type"], "customer.subscription.updated");
    let previous = &event["data"]["previous_attributes"]["items"]["data"][0];
    assert_eq!(previous["quantity"], 1, "the whole array, as it was");
    let dearer = stripe.price("unit_amount=9900&recurring[interval]=month");
    let form = format!("items[0][id]={item}&items[0][price]={dearer}&proration_behavior=none");
    let changed = stripe.post(&path, &form);
    assert_eq!(changed["items"]["data"][0]["price"]["id"], dearer.as_str());
    assert_eq!(changed["items"]["data"][0]["quantity"], 1, "another price starts at one");
    assert_eq!(changed["items"]["data"][0]["id"], item.as_str());
    stripe.simulator.advance(31 * DAY + 3600);
    let invoices = stripe.get("/v1/invoices", &format!("customer={customer}&limit=1"));
    assert_eq!(invoices["data"][0]["total"], 9900);
    assert_eq!(invoices["data"][0]["status"], "paid");
}

#[test]
fn a_planned_end_can_be_taken_back() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let planned = stripe.post(&path, "cancel_at_period_end=true");
    assert_eq!(planned["cancel_at"], START + 31 * DAY);
    assert_eq!(planned["canceled_at"], START);
    assert_eq!(planned["status"], "active");
    let kept = stripe.post(&path, "cancel_at_period_end=false");
    assert_eq!((&kept["cancel_at"], &kept["canceled_at"]), (&json!(null), &json!(null)));
    stripe.post(&path, "cancel_at=max_period_end");
    stripe.simulator.advance(31 * DAY);
    let ended = stripe.get(&path, "");
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(START + 31 * DAY))
    );
    assert_eq!(ended["cancellation_details"]["reason"], "cancellation_requested");
    assert_eq!(
        stripe.simulator.objects("invoice").len(),
        1,
        "no invoice for a period that never came"
    );
}

#[test]
fn a_last_period_cut_short_costs_its_part() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=12000&recurring[interval]=month");
    let subscription = stripe.subscribe(&customer, &price, "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let end = START + (31 + 7) * DAY;
    stripe.post(&path, &format!("cancel_at={end}"));
    stripe.simulator.advance(31 * DAY + 3600);
    let invoices = stripe.get("/v1/invoices", "limit=1");
    assert_eq!(invoices["data"][0]["total"], 3000, "7 of February's 28 days");
    stripe.simulator.advance(7 * DAY);
    assert_eq!(stripe.get(&path, "")["status"], "canceled");
    let (_, error) = stripe.refused(Method::Post, &path, "description=x");
    assert_eq!(error["code"], "invalid_canceled_subscription_fields");
    stripe.post(&path, "metadata[why]=done");
}

#[test]
fn canceled_now_and_said_once() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let before = stripe.event_count();
    assert_eq!(stripe.delete(&path)["status"], "canceled");
    assert_eq!(stripe.types_after(before), ["customer.subscription.deleted"]);
    assert_eq!(stripe.refused(Method::Delete, &path, "").0, 404);
    let count = |status: &str| {
        let listed = stripe.get("/v1/subscriptions", status);
        listed["data"].as_array().unwrap().len()
    };
    assert_eq!((count(""), count("status=all"), count("status=ended")), (0, 1, 1));
}
