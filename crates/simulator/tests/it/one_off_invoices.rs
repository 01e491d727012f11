//! Invoices of no subscription, changes of drafts, and the customer's balance.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{Stripe, id};

fn waiting(stripe: &Stripe, customer: &str, amount: i64) -> String {
    let form = format!("customer={customer}&amount={amount}&currency=usd&description=Work");
    id(&stripe.post("/v1/invoiceitems", &form))
}

fn invoice(stripe: &Stripe, customer: &str, more: &str) -> Value {
    stripe.post("/v1/invoices", &format!("customer={customer}&{more}"))
}

const INCLUDE: &str = "pending_invoice_items_behavior=include";

#[test]
fn what_waits_is_invoiced_finalised_and_paid() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    waiting(&stripe, &customer, 2000);
    let since = stripe.event_count();
    let empty = invoice(&stripe, &customer, "");
    assert_eq!((&empty["total"], &empty["parent"]), (&json!(0), &Value::Null));
    let draft = invoice(&stripe, &customer, &format!("{INCLUDE}&description=Bill&metadata[a]=1"));
    assert_eq!((&draft["total"], &draft["status"]), (&json!(2000), &json!("draft")));
    assert_eq!(
        (&draft["auto_advance"], &draft["billing_reason"]),
        (&json!(false), &json!("manual"))
    );
    let path = format!("/v1/invoices/{}", id(&draft));
    stripe.simulator.advance(7200);
    let open = stripe.post(&format!("{path}/finalize"), "");
    assert_eq!((&open["status"], &open["amount_remaining"]), (&json!("open"), &json!(2000)));
    assert_eq!(stripe.post(&format!("{path}/pay"), "")["status"], "paid");
    let types = stripe.types_after(since);
    for told in ["invoice.created", "invoice.finalized", "charge.succeeded", "invoice.paid"] {
        assert!(types.iter().any(|kind| kind == told), "{told}: {types:?}");
    }
}

#[test]
fn a_draft_that_advances_is_charged_after_an_hour() {
    for (card, status) in [("pm_card_visa", "paid"), ("pm_card_chargeCustomerFail", "open")] {
        let stripe = Stripe::new();
        let customer = stripe.customer_with(card);
        waiting(&stripe, &customer, 2000);
        let made = invoice(&stripe, &customer, &format!("{INCLUDE}&auto_advance=true"));
        stripe.simulator.advance(3600);
        let now = stripe.get(&format!("/v1/invoices/{}", id(&made)), "");
        assert_eq!(now["status"], status, "{card}");
        assert_eq!(now["next_payment_attempt"].is_null(), status == "paid");
    }
}

#[test]
fn drafts_take_lines_change_them_and_lose_them() {
    let stripe = Stripe::new();
    let rate = stripe.post("/v1/tax_rates", "display_name=VAT&percentage=20&inclusive=false");
    let customer = stripe.customer_with("pm_card_visa");
    let form = format!("collection_method=send_invoice&default_tax_rates[0]={}", id(&rate));
    let draft = id(&invoice(&stripe, &customer, &form));
    let item = format!("customer={customer}&amount=1000&currency=usd&invoice={draft}");
    let item = id(&stripe.post("/v1/invoiceitems", &item));
    let path = format!("/v1/invoices/{draft}");
    let total = || stripe.get(&path, "")["total"].clone();
    assert_eq!(total(), 1200);
    stripe.post(&format!("/v1/invoiceitems/{item}"), "amount=500&description=Less");
    assert_eq!(total(), 600);
    let since = stripe.event_count();
    stripe.post(&path, "default_tax_rates=&metadata[order]=1&days_until_due=3");
    assert_eq!(
        (total(), stripe.types_after(since)),
        (json!(500), vec!["invoice.updated".to_owned()])
    );
    stripe.delete(&format!("/v1/invoiceitems/{item}"));
    assert_eq!(total(), 0);
    let sent = stripe.post(&format!("{path}/send"), "");
    assert_eq!(sent["status"], "paid", "there is nothing to pay");
    for (at, form) in
        [(path.clone(), "description=Late"), (format!("/v1/invoiceitems/{item}"), "amount=1")]
    {
        let (status, _) = stripe.refused(Method::Post, &at, form);
        assert!(status == 400 || status == 404, "{at} {form}");
    }
    stripe.post(&path, "metadata[paid]=1");
}

#[test]
fn a_deleted_draft_lets_its_items_wait_again() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let item = waiting(&stripe, &customer, 2000);
    let draft = id(&invoice(&stripe, &customer, INCLUDE));
    let since = stripe.event_count();
    stripe.delete(&format!("/v1/invoices/{draft}"));
    assert_eq!(stripe.types_after(since), ["invoice.deleted"]);
    assert_eq!(stripe.refused(Method::Get, &format!("/v1/invoices/{draft}"), "").0, 404);
    assert_eq!(stripe.get(&format!("/v1/invoiceitems/{item}"), "")["invoice"], Value::Null);
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let first = subscription["latest_invoice"].as_str().unwrap();
    let (status, _) = stripe.refused(Method::Delete, &format!("/v1/invoices/{first}"), "");
    assert_eq!(status, 400);
}

#[test]
fn each_change_of_a_balance_is_kept() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let credit = stripe.post(&path, "amount=-500&currency=usd&description=Sorry");
    assert_eq!((&credit["ending_balance"], &credit["type"]), (&json!(-500), &json!("adjustment")));
    stripe.post(&format!("/v1/customers/{customer}"), "balance=-700");
    waiting(&stripe, &customer, 2000);
    let draft = id(&invoice(&stripe, &customer, INCLUDE));
    let open = stripe.post(&format!("/v1/invoices/{draft}/finalize"), "");
    assert_eq!((&open["amount_due"], &open["ending_balance"]), (&json!(1300), &json!(0)));
    let list = stripe.get(&path, "");
    let kept: Vec<(i64, i64, &str)> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|transaction| {
            let number = |key: &str| transaction[key].as_i64().unwrap();
            (number("amount"), number("ending_balance"), transaction["type"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        kept,
        [(700, 0, "applied_to_invoice"), (-200, -700, "adjustment"), (-500, -500, "adjustment")]
    );
    let one = format!("{path}/{}", id(&credit));
    assert_eq!(stripe.post(&one, "metadata[a]=1")["metadata"], json!({"a": "1"}));
    assert_eq!(stripe.get(&path, &format!("invoice={draft}"))["data"][0]["invoice"], draft);
    assert_eq!(stripe.refused(Method::Post, &path, "amount=0&currency=usd").0, 400);
    assert_eq!(stripe.refused(Method::Post, &path, "amount=1&currency=eur").0, 400);
}
