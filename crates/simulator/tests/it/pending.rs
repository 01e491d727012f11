//! Changes that are made only once they are paid: `payment_behavior=pending_if_incomplete`.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;

struct Case {
    stripe: Stripe,
    customer: String,
    path: String,
    item: String,
    dearer: String,
}

impl Case {
    /// Ten dollars a month, since ten days; then the card was swapped for `card`.
    fn with(card: &str) -> Self {
        let stripe = Stripe::new();
        let customer = stripe.customer_with("pm_card_visa");
        let price = stripe.price("unit_amount=1000&recurring[interval]=month");
        let dearer = stripe.price("unit_amount=4100&recurring[interval]=month");
        let subscription = stripe.subscribe(&customer, &price, "");
        let case = Self {
            path: format!("/v1/subscriptions/{}", id(&subscription)),
            item: id(&subscription["items"]["data"][0]),
            stripe,
            customer,
            dearer,
        };
        case.use_card(card);
        case.stripe.simulator.advance(10 * DAY);
        case
    }

    fn use_card(&self, card: &str) {
        let path = format!("/v1/payment_methods/{card}/attach");
        let card = self.stripe.post(&path, &format!("customer={}", self.customer));
        self.stripe.post(&self.path, &format!("default_payment_method={}", id(&card)));
    }

    fn upgrade(&self, more: &str) -> Value {
        let form = format!(
            "items[0][id]={}&items[0][price]={}&proration_behavior=always_invoice\
             &payment_behavior=pending_if_incomplete&{more}",
            self.item, self.dearer
        );
        self.stripe.post(&self.path, &form)
    }

    fn shown(&self) -> Value {
        self.stripe.get(&self.path, "expand[]=latest_invoice")
    }

    fn price(&self) -> String {
        id(&self.shown()["items"]["data"][0]["price"])
    }
}

#[test]
fn what_is_paid_at_once_is_done_at_once() {
    let case = Case::with("pm_card_visa");
    let before = case.stripe.event_count();
    let changed = case.upgrade("");
    assert_eq!(changed["pending_update"], json!(null));
    assert_eq!(changed["items"]["data"][0]["price"]["id"], case.dearer.as_str());
    let told = case.stripe.types_after(before);
    assert_eq!(told.iter().filter(|kind| *kind == "customer.subscription.updated").count(), 1);
}

#[test]
fn what_is_not_paid_waits_and_is_done_when_it_is() {
    let case = Case::with("pm_card_chargeCustomerFail");
    let before = case.stripe.event_count();
    let waiting = case.upgrade("expand[]=latest_invoice");
    assert_eq!(
        case.stripe.types_after(before),
        [
            "invoice.created",
            "invoice.finalized",
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed",
            "invoice.updated",
            "invoice.payment_failed",
            "customer.subscription.updated",
            "invoiceitem.created",
            "invoiceitem.created",
        ]
    );
    let pending = &waiting["pending_update"];
    assert_eq!(pending["expires_at"], START + 10 * DAY + 23 * HOUR);
    assert_eq!(pending["subscription_items"][0]["price"]["id"], case.dearer.as_str());
    assert_eq!(waiting["status"], "active", "nothing has changed yet");
    assert_ne!(case.price(), case.dearer);
    assert_eq!(waiting["latest_invoice"]["status"], "open");
    case.stripe.simulator.advance(20 * HOUR);
    case.use_card("pm_card_visa");
    let before = case.stripe.event_count();
    let invoice = id(&waiting["latest_invoice"]);
    let paid = case.stripe.post(&format!("/v1/invoices/{invoice}/pay"), "");
    assert_eq!(paid["total"], 2777 - 677, "21 of 31 days, counted from the request");
    let told = case.stripe.types_after(before);
    assert_eq!(
        told[told.len() - 2..],
        ["customer.subscription.updated", "customer.subscription.pending_update_applied"]
    );
    assert_eq!(case.price(), case.dearer);
    assert_eq!(case.shown()["pending_update"], json!(null));
    case.stripe.simulator.advance(21 * DAY);
    assert_eq!(case.shown()["latest_invoice"]["total"], 4100);
}

#[test]
fn what_is_not_paid_in_time_is_forgotten() {
    let case = Case::with("pm_card_chargeCustomerFail");
    case.upgrade("");
    let before = case.stripe.event_count();
    case.stripe.simulator.advance(23 * HOUR);
    assert_eq!(
        case.stripe.types_after(before),
        [
            "invoice.voided",
            "payment_intent.canceled",
            "customer.subscription.updated",
            "customer.subscription.pending_update_expired",
        ]
    );
    let shown = case.shown();
    assert_eq!((&shown["pending_update"], &shown["status"]), (&json!(null), &json!("active")));
    assert_eq!(shown["latest_invoice"]["status"], "void");
    case.use_card("pm_card_visa");
    case.stripe.simulator.advance(21 * DAY);
    let renewal = case.shown()["latest_invoice"].clone();
    assert_eq!((&renewal["total"], &renewal["status"]), (&json!(1000), &json!("paid")));
}

#[test]
fn another_change_takes_its_place() {
    let case = Case::with("pm_card_chargeCustomerFail");
    let first = case.upgrade("");
    let second = case.upgrade("items[0][quantity]=2");
    assert_ne!(first["latest_invoice"], second["latest_invoice"]);
    assert_eq!(second["pending_update"]["subscription_items"][0]["quantity"], 2);
    let path = |invoice: &Value| format!("/v1/invoices/{}", invoice.as_str().unwrap());
    assert_eq!(case.stripe.get(&path(&first["latest_invoice"]), "")["status"], "void");
    case.stripe.post(&format!("{}/void", path(&second["latest_invoice"])), "");
    assert_eq!(case.shown()["pending_update"], json!(null), "nobody is to pay it any more");
    let form = format!(
        "payment_behavior=pending_if_incomplete&proration_behavior=always_invoice\
         &subscription={}&price={}&quantity=7",
        case.path.rsplit('/').next().unwrap(),
        case.dearer
    );
    let added = case.stripe.post("/v1/subscription_items", &form);
    assert_eq!(added["quantity"], 7, "shown as it is to be");
    assert_eq!(case.shown()["items"]["data"].as_array().unwrap().len(), 1);
}

#[test]
fn only_what_can_wait_may_be_asked_for() {
    let case = Case::with("pm_card_visa");
    for (field, status) in [("description=x", 400), ("metadata[a]=b", 501)] {
        let form = format!("payment_behavior=pending_if_incomplete&{field}");
        assert_eq!(case.stripe.refused(Method::Post, &case.path, &form).0, status);
    }
}

#[test]
fn a_change_may_wait_for_the_customers_word_and_be_late() {
    let case = Case::with("pm_card_visa");
    let form = format!(
        "items[0][id]={}&items[0][price]={}&proration_behavior=always_invoice\
         &payment_behavior=default_incomplete&expand[]=latest_invoice.payments.data.payment.payment_intent",
        case.item, case.dearer
    );
    let changed = case.stripe.post(&case.path, &form);
    assert_eq!(changed["status"], "past_due");
    assert_eq!(changed["items"]["data"][0]["price"]["id"], case.dearer.as_str());
    let intent = &changed["latest_invoice"]["payments"]["data"][0]["payment"]["payment_intent"];
    assert_eq!(intent["status"], "requires_confirmation");
    case.stripe.post(&format!("/v1/payment_intents/{}/confirm", id(intent)), "");
    assert_eq!(case.shown()["status"], "active");
}
