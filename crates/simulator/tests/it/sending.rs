//! Invoices that are sent to be paid by hand, and those paid outside of Stripe.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;
const SENT: &str = "collection_method=send_invoice&days_until_due=14";

struct Case {
    stripe: Stripe,
    customer: String,
    path: String,
}

/// A subscription of a customer without a card; its first invoice waits its hour.
fn sent() -> Case {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", "email=ann@example.com"));
    let subscription = stripe.subscribe(&customer, &stripe.price(""), SENT);
    assert_eq!(
        (&subscription["status"], &subscription["days_until_due"]),
        (&json!("active"), &json!(14))
    );
    Case { path: format!("/v1/subscriptions/{}", id(&subscription)), stripe, customer }
}

impl Case {
    fn invoice(&self) -> Value {
        self.stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
    }

    fn status(&self) -> Value {
        self.stripe.get(&self.path, "")["status"].clone()
    }
}

#[test]
fn it_is_sent_after_an_hour_and_late_after_its_days() {
    let case = sent();
    assert_eq!(
        case.stripe.types_after(case.stripe.event_count() - 3),
        ["customer.updated", "customer.subscription.created", "invoice.created"]
    );
    let draft = case.invoice();
    assert_eq!(
        (&draft["status"], &draft["automatically_finalizes_at"]),
        (&json!("draft"), &json!(START + HOUR))
    );
    assert_eq!(draft["next_payment_attempt"], json!(null));
    let before = case.stripe.event_count();
    case.stripe.simulator.advance(HOUR);
    assert_eq!(
        case.stripe.types_after(before),
        ["invoice.finalized", "payment_intent.created", "invoice.sent"]
    );
    let open = case.invoice();
    assert_eq!(
        (&open["status"], &open["due_date"], &open["collection_method"]),
        (&json!("open"), &json!(START + HOUR + 14 * DAY), &json!("send_invoice"))
    );
    let before = case.stripe.event_count();
    case.stripe.simulator.advance(14 * DAY);
    assert_eq!(
        case.stripe.types_after(before),
        ["customer.subscription.updated", "customer.updated"]
    );
    assert_eq!(case.status(), "past_due");
    case.stripe.simulator.advance(DAY);
    assert_eq!(case.status(), "past_due", "nobody tries a card, and nobody gives up");
    let method = case
        .stripe
        .post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={}", case.customer));
    let path = format!("/v1/invoices/{}/pay", id(&open));
    let paid = case.stripe.post(&path, &format!("payment_method={}", id(&method)));
    assert_eq!(paid["amount_paid"], 2900);
    assert_eq!(case.status(), "active");
}

#[test]
fn it_is_paid_outside_of_stripe() {
    let case = sent();
    case.stripe.simulator.advance(HOUR);
    let before = case.stripe.event_count();
    let path = format!("/v1/invoices/{}", id(&case.invoice()));
    let form = "paid_out_of_band=true&expand[]=payments.data.payment.payment_intent";
    let paid = case.stripe.post(&format!("{path}/pay"), form);
    assert_eq!(
        case.stripe.types_after(before),
        ["payment_intent.canceled", "invoice.updated", "invoice.paid"]
    );
    assert_eq!(
        (&paid["status"], &paid["amount_remaining"], &paid["amount_paid_off_stripe"]),
        (&json!("paid"), &json!(0), &json!(2900))
    );
    assert_eq!(paid["payments"]["data"][0]["status"], "canceled");
    case.stripe.simulator.advance(15 * DAY);
    assert_eq!(case.status(), "active", "it is not late");
}

#[test]
fn a_change_is_sent_too_and_a_declined_card_makes_nobody_late() {
    let case = sent();
    case.stripe.simulator.advance(10 * DAY);
    let item = id(&case.stripe.get(&case.path, "")["items"]["data"][0]);
    let before = case.stripe.event_count();
    let form = format!(
        "items[0][id]={item}&items[0][quantity]=2&proration_behavior=always_invoice\
         &payment_behavior=error_if_incomplete"
    );
    assert_eq!(case.stripe.post(&case.path, &form)["status"], "active");
    assert_eq!(
        case.stripe.types_after(before),
        [
            "invoice.created",
            "invoice.finalized",
            "payment_intent.created",
            "invoice.sent",
            "customer.subscription.updated",
            "invoiceitem.created",
            "invoiceitem.created",
        ]
    );
    let card = case.stripe.post(
        "/v1/payment_methods/pm_card_chargeCustomerFail/attach",
        &format!("customer={}", case.customer),
    );
    let path = format!("/v1/invoices/{}/pay", id(&case.invoice()));
    let form = format!("payment_method={}", id(&card));
    assert_eq!(case.stripe.refused(Method::Post, &path, &form).0, 402);
    assert_eq!(case.status(), "active");
    assert_eq!(case.invoice()["next_payment_attempt"], json!(null));
}

#[test]
fn how_it_is_collected_can_change_and_be_asked_for() {
    let case = sent();
    case.stripe.simulator.advance(HOUR);
    let invoice = id(&case.invoice());
    let before = case.stripe.event_count();
    case.stripe.post(&format!("/v1/invoices/{invoice}/send"), "");
    assert_eq!(case.stripe.types_after(before), ["invoice.sent"]);
    for (path, count) in [
        ("/v1/invoices", "collection_method=send_invoice"),
        ("/v1/subscriptions", "collection_method=send_invoice"),
    ] {
        assert_eq!(case.stripe.get(path, count)["data"].as_array().unwrap().len(), 1, "{path}");
    }
    for (form, param) in [
        ("collection_method=charge_automatically&days_until_due=3", "days_until_due"),
        ("days_until_due=-1", "days_until_due"),
        ("collection_method=by_pigeon", "collection_method"),
    ] {
        let (_, error) = case.stripe.refused(Method::Post, &case.path, form);
        assert_eq!(error["param"], param, "{form}");
    }
    let charged = case.stripe.post(&case.path, "collection_method=charge_automatically");
    assert_eq!(charged["days_until_due"], json!(null));
    let (_, error) =
        case.stripe.refused(Method::Post, &case.path, "collection_method=send_invoice");
    assert_eq!(error["param"], "days_until_due");
    case.stripe.simulator.advance(31 * DAY);
    let renewal = case.invoice();
    assert_eq!(renewal["collection_method"], "charge_automatically");
    let (_, error) =
        case.stripe.refused(Method::Post, &format!("/v1/invoices/{}/send", id(&renewal)), "");
    assert_eq!(error["type"], "invalid_request_error");
}

#[test]
fn a_free_trial_is_not_sent() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", ""));
    let form = format!("{SENT}&trial_period_days=7");
    let trial = stripe.subscribe(&customer, &stripe.price(""), &form);
    assert_eq!(trial["status"], "trialing");
    let invoice = stripe.get("/v1/invoices", "limit=1")["data"][0].clone();
    assert_eq!((&invoice["status"], &invoice["total"]), (&json!("paid"), &json!(0)));
    stripe.simulator.advance(7 * DAY + HOUR);
    let invoice = stripe.get("/v1/invoices", "limit=1")["data"][0].clone();
    assert_eq!((&invoice["status"], &invoice["total"]), (&json!("open"), &json!(2900)));
}
