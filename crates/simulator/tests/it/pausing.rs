//! Ends, pauses, and trials that run out without a card.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;

fn running(stripe: &Stripe) -> (String, String) {
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=3100&recurring[interval]=month");
    let subscription = stripe.subscribe(&customer, &price, "");
    (customer, format!("/v1/subscriptions/{}", id(&subscription)))
}

fn newest_invoice(stripe: &Stripe) -> Value {
    stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
}

fn delete(stripe: &Stripe, path: &str, form: &str) -> Value {
    let answer = stripe.send(Method::Delete, path, form, None).unwrap();
    assert_eq!(answer.status, 200);
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn canceled_now_the_rest_is_given_back() {
    let stripe = Stripe::new();
    let (customer, path) = running(&stripe);
    stripe.simulator.advance(21 * DAY);
    let before = stripe.event_count();
    let ended = delete(&stripe, &path, "prorate=true&invoice_now=true");
    assert_eq!(ended["status"], "canceled");
    let told = stripe.types_after(before);
    assert_eq!(told[..2], ["invoiceitem.created", "customer.subscription.deleted"]);
    let invoice = newest_invoice(&stripe);
    assert_eq!((&invoice["total"], &invoice["amount_due"]), (&json!(-1000), &json!(0)));
    assert_eq!(stripe.get(&format!("/v1/customers/{customer}"), "")["balance"], -1000);

    let (_, path) = running(&stripe);
    delete(&stripe, &path, "prorate=true");
    let waiting = stripe.get("/v1/invoiceitems", "pending=true");
    assert_eq!(waiting["data"][0]["amount"], -3100, "kept for the next invoice");
}

#[test]
fn what_waits_is_collected_at_a_planned_end() {
    let stripe = Stripe::new();
    let (_, path) = running(&stripe);
    let addon = stripe.price("unit_amount=310&recurring[interval]=month");
    stripe.simulator.advance(21 * DAY);
    stripe.post(&path, &format!("cancel_at_period_end=true&items[0][price]={addon}"));
    stripe.simulator.advance(10 * DAY);
    assert_eq!(stripe.get(&path, "")["status"], "canceled");
    stripe.simulator.advance(HOUR);
    let last = newest_invoice(&stripe);
    assert_eq!((&last["amount_paid"], &last["status"]), (&json!(100), &json!("paid")));
}

#[test]
fn paused_costs_nothing_until_it_is_resumed() {
    let stripe = Stripe::new();
    let (_, path) = running(&stripe);
    let verb = |verb: &str| format!("{path}/{verb}");
    assert_eq!(stripe.refused(Method::Post, &verb("resume"), "").0, 400);
    stripe.simulator.advance(21 * DAY);
    let before = stripe.event_count();
    assert_eq!(stripe.post(&verb("pause"), "")["status"], "paused");
    assert_eq!(
        stripe.types_after(before),
        ["invoiceitem.created", "customer.subscription.updated", "customer.subscription.paused"]
    );
    assert_eq!(stripe.refused(Method::Post, &verb("pause"), "").0, 400);
    let before = stripe.event_count();
    stripe.simulator.advance(90 * DAY);
    assert_eq!(stripe.event_count(), before, "nothing happens");
    let resumed = stripe.post(&verb("resume"), "expand[]=latest_invoice");
    let told = stripe.types_after(before);
    assert!(told.contains(&"customer.subscription.resumed".to_owned()), "{told:?}");
    let now = START + 111 * DAY;
    assert_eq!(
        (&resumed["status"], &resumed["billing_cycle_anchor"]),
        (&json!("active"), &json!(now))
    );
    assert_eq!(resumed["latest_invoice"]["amount_paid"], 2100, "less what was credited");
    stripe.simulator.advance(31 * DAY + HOUR);
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 3100);
}

#[test]
fn resumed_in_its_old_cycle_it_pays_for_what_is_left_of_it() {
    let stripe = Stripe::new();
    let (_, path) = running(&stripe);
    stripe.simulator.advance(10 * DAY);
    let none = "bill_for[unused_time_from][type]=none";
    assert_eq!(stripe.post(&format!("{path}/pause"), none)["status"], "paused");
    assert!(stripe.simulator.objects("invoiceitem").is_empty());
    stripe.simulator.advance(31 * DAY);
    let form = "billing_cycle_anchor[type]=unchanged&proration_behavior=always_invoice";
    let resumed = stripe.post(&format!("{path}/resume"), form);
    assert_eq!(resumed["billing_cycle_anchor"], START);
    assert_eq!(resumed["items"]["data"][0]["current_period_end"], START + 59 * DAY);
    // Eighteen of February's 28 days.
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 1993);
    stripe.simulator.advance(18 * DAY + HOUR);
    assert_eq!(newest_invoice(&stripe)["total"], 3100);
}

#[test]
fn a_resumption_that_must_be_paid_waits_for_it() {
    let stripe = Stripe::new();
    let (customer, path) = running(&stripe);
    stripe.post(&format!("{path}/pause"), "bill_for[unused_time_from][type]=none");
    let card = stripe.post(
        "/v1/payment_methods/pm_card_chargeCustomerFail/attach",
        &format!("customer={customer}"),
    );
    stripe.post(&path, &format!("default_payment_method={}", id(&card)));
    let form = "payment_behavior=resume_on_payment_success";
    assert_eq!(stripe.post(&format!("{path}/resume"), form)["status"], "paused");
    stripe.simulator.advance(DAY);
    assert_eq!(newest_invoice(&stripe)["status"], "void");
    stripe.post(&path, "default_payment_method=");
    assert_eq!(stripe.post(&format!("{path}/resume"), form)["status"], "active");
}

#[test]
fn a_trial_without_a_card_ends_as_its_owner_wanted() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let customer = id(&stripe.post("/v1/customers", ""));
    let trial = |behavior: &str| {
        let form = format!(
            "trial_period_days=7&trial_settings[end_behavior][missing_payment_method]={behavior}"
        );
        stripe.subscribe(&customer, &price, &form)
    };
    let made = ["cancel", "create_invoice", "pause"].map(trial);
    for subscription in &made {
        let shown = &subscription["trial_settings"]["end_behavior"]["missing_payment_method"];
        assert!(shown.is_string());
    }
    let before = stripe.event_count();
    stripe.simulator.advance(7 * DAY + HOUR);
    let told = stripe.types_after(before);
    for kind in ["customer.subscription.deleted", "customer.subscription.paused"] {
        assert_eq!(told.iter().filter(|found| *found == kind).count(), 1, "{kind}");
    }
    let status =
        made.map(|s| stripe.get(&format!("/v1/subscriptions/{}", id(&s)), "")["status"].clone());
    assert_eq!(status, ["canceled", "past_due", "paused"]);
}

#[test]
fn collection_can_be_paused_alone() {
    for (behavior, expected) in
        [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")]
    {
        let stripe = Stripe::new();
        let (_, path) = running(&stripe);
        let resumes_at = START + 40 * DAY;
        let form = format!(
            "pause_collection[behavior]={behavior}&pause_collection[resumes_at]={resumes_at}"
        );
        let paused = stripe.post(&path, &form);
        assert_eq!(paused["status"], "active");
        assert_eq!(paused["pause_collection"]["resumes_at"], resumes_at);
        stripe.simulator.advance(31 * DAY + HOUR);
        assert_eq!(newest_invoice(&stripe)["status"], expected, "{behavior}");
        assert_eq!(stripe.get(&path, "")["status"], "active");
        stripe.simulator.advance(9 * DAY);
        assert_eq!(stripe.get(&path, "")["pause_collection"], json!(null));
        stripe.simulator.advance(19 * DAY);
        assert_eq!(newest_invoice(&stripe)["status"], "paid", "{behavior}");
    }
    let stripe = Stripe::new();
    let (_, path) = running(&stripe);
    stripe.post(&path, "pause_collection[behavior]=void");
    assert_eq!(stripe.post(&path, "pause_collection=")["pause_collection"], json!(null));
    let (_, error) = stripe.refused(Method::Post, &path, "pause_collection[resumes_at]=1");
    assert_eq!(error["param"], "pause_collection[behavior]");
}

#[test]
fn an_invoice_given_up_forgives_the_subscription() {
    for verb in ["mark_uncollectible", "void"] {
        let stripe = Stripe::new();
        let (customer, path) = running(&stripe);
        let card = stripe.post(
            "/v1/payment_methods/pm_card_chargeCustomerFail/attach",
            &format!("customer={customer}"),
        );
        stripe.post(&path, &format!("default_payment_method={}", id(&card)));
        stripe.simulator.advance(31 * DAY + HOUR);
        assert_eq!(stripe.get(&path, "")["status"], "past_due");
        let invoice = id(&newest_invoice(&stripe));
        stripe.post(&format!("/v1/invoices/{invoice}/{verb}"), "");
        assert_eq!(stripe.get(&path, "")["status"], "active", "{verb}");
        let (_, error) =
            stripe.refused(Method::Post, &format!("/v1/invoices/{invoice}/mark_uncollectible"), "");
        assert_eq!(error["code"], "status_transition_invalid");
    }
}
