//! What becomes of a subscription whose renewal is never paid: what the account's owner set.

use serde_json::{Value, json};
use tollhouse_simulator::{AfterRetries, SettingsChange};

use crate::harness::{DAY, Stripe, id};

const HOUR: i64 = 3600;

struct Case {
    stripe: Stripe,
    customer: String,
    path: String,
}

/// A subscription whose last retry has failed.
fn given_up(after_retries: AfterRetries) -> Case {
    let stripe = Stripe::new();
    let change = SettingsChange { after_retries: Some(after_retries), ..Default::default() };
    stripe.simulator.change_settings(&change).unwrap();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let case = Case { path: format!("/v1/subscriptions/{}", id(&subscription)), stripe, customer };
    case.use_card("pm_card_chargeCustomerFail");
    case.stripe.simulator.advance(31 * DAY + HOUR + 7 * DAY);
    case
}

impl Case {
    fn use_card(&self, card: &str) {
        let form = format!("customer={}", self.customer);
        let method = self.stripe.post(&format!("/v1/payment_methods/{card}/attach"), &form);
        let form = format!("invoice_settings[default_payment_method]={}", id(&method));
        self.stripe.post(&format!("/v1/customers/{}", self.customer), &form);
    }

    fn status(&self) -> Value {
        self.stripe.get(&self.path, "")["status"].clone()
    }

    fn newest_invoice(&self) -> Value {
        self.stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
    }
}

#[test]
fn it_is_canceled_unpaid_or_stays_late() {
    for (after_retries, status, last) in [
        (AfterRetries::Cancel, "canceled", "customer.subscription.deleted"),
        (AfterRetries::MarkUnpaid, "unpaid", "customer.subscription.updated"),
        (AfterRetries::LeavePastDue, "past_due", "invoice.payment_failed"),
    ] {
        let case = given_up(after_retries);
        assert_eq!(case.status(), status);
        let told = case.stripe.types_after(case.stripe.event_count() - 1);
        assert_eq!(told, [last], "{after_retries:?}");
        assert_eq!(case.newest_invoice()["attempt_count"], 5);
        let listed = case.stripe.get("/v1/subscriptions", &format!("status={status}"));
        assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn the_invoices_of_an_unpaid_subscription_stay_drafts_until_the_latest_is_paid() {
    let case = given_up(AfterRetries::MarkUnpaid);
    let old = id(&case.newest_invoice());
    case.stripe.simulator.advance(28 * DAY);
    let draft = case.newest_invoice();
    assert_eq!(
        (&draft["status"], &draft["auto_advance"], &draft["automatically_finalizes_at"]),
        (&json!("draft"), &json!(false), &json!(null))
    );
    case.use_card("pm_card_visa");
    case.stripe.post(&format!("/v1/invoices/{old}/pay"), "");
    assert_eq!(case.status(), "unpaid", "a newer one is there");
    case.stripe.post(&format!("/v1/invoices/{}/pay", id(&draft)), "");
    assert_eq!(case.status(), "active");
}

#[test]
fn voided_invoices_do_not_count() {
    let case = given_up(AfterRetries::MarkUnpaid);
    let old = id(&case.newest_invoice());
    case.stripe.simulator.advance(28 * DAY);
    let draft = id(&case.newest_invoice());
    case.stripe.post(&format!("/v1/invoices/{draft}/finalize"), "auto_advance=false");
    case.stripe.post(&format!("/v1/invoices/{old}/mark_uncollectible"), "");
    assert_eq!(case.status(), "unpaid");
    case.stripe.post(&format!("/v1/invoices/{draft}/void"), "");
    case.use_card("pm_card_visa");
    case.stripe.post(&format!("/v1/invoices/{old}/pay"), "");
    assert_eq!(case.status(), "active");
}

#[test]
fn a_change_of_an_unpaid_subscription_is_billed_by_a_draft() {
    let case = given_up(AfterRetries::MarkUnpaid);
    let item = id(&case.stripe.get(&case.path, "")["items"]["data"][0]);
    let form = "quantity=3&proration_behavior=always_invoice";
    case.stripe.post(&format!("/v1/subscription_items/{item}"), form);
    let invoice = case.newest_invoice();
    assert_eq!((&invoice["status"], &invoice["auto_advance"]), (&json!("draft"), &json!(false)));
    assert_eq!(case.status(), "unpaid");
}
