//! The order in which things are told, flow by flow, where no other test already says it.

use serde_json::Value;
use tollhouse_simulator::{AfterRetries, SettingsChange};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;
const MONTH: i64 = 31 * DAY;

struct Flow {
    stripe: Stripe,
    customer: String,
    path: String,
}

impl Flow {
    /// A subscription on 29 dollars a month.
    fn begun() -> Self {
        let stripe = Stripe::new();
        let customer = stripe.customer_with("pm_card_visa");
        let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
        Self { path: format!("/v1/subscriptions/{}", id(&subscription)), stripe, customer }
    }

    fn use_card(&self, card: &str) {
        let form = format!("customer={}", self.customer);
        let method = self.stripe.post(&format!("/v1/payment_methods/{card}/attach"), &form);
        let form = format!("invoice_settings[default_payment_method]={}", id(&method));
        self.stripe.post(&format!("/v1/customers/{}", self.customer), &form);
    }

    /// What is told while `work` is done.
    fn told(&self, work: impl FnOnce(&Stripe)) -> Vec<String> {
        let before = self.stripe.event_count();
        work(&self.stripe);
        self.stripe.types_after(before)
    }
}

#[test]
fn a_price_brings_its_product_and_a_plan() {
    let stripe = Stripe::new();
    stripe.price("");
    assert_eq!(stripe.types_after(0), ["product.created", "plan.created", "price.created"]);
}

#[test]
fn a_trial_begins_with_an_invoice_over_nothing() {
    let flow = Flow::begun();
    let price = flow.stripe.price("");
    let told = flow.told(|stripe| {
        stripe.subscribe(&flow.customer, &price, "trial_period_days=14");
    });
    assert_eq!(
        told,
        [
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_succeeded",
        ]
    );
    let short = flow.told(|stripe| {
        stripe.subscribe(&flow.customer, &price, "trial_period_days=2");
        stripe.simulator.advance(0);
    });
    assert_eq!(short[5..], ["customer.subscription.trial_will_end"], "shorter than three days");
    let ended = flow.told(|stripe| stripe.simulator.advance(2 * DAY));
    assert_eq!(ended, ["customer.subscription.updated", "invoice.created"]);
    let charged = flow.told(|stripe| stripe.simulator.advance(HOUR));
    assert_eq!(charged, RENEWAL_PAID);
}

const RENEWAL_PAID: [&str; 8] = [
    "invoice.finalized",
    "payment_intent.created",
    "payment_intent.succeeded",
    "charge.succeeded",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
];

const RETRY_FAILED: [&str; 4] =
    ["charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed"];

#[test]
fn a_retry_fails_and_the_last_one_ends_it_with_its_schedule() {
    for (after_retries, last) in [
        (
            AfterRetries::Cancel,
            vec!["subscription_schedule.aborted", "customer.subscription.deleted"],
        ),
        (AfterRetries::MarkUnpaid, vec!["customer.subscription.updated"]),
        (AfterRetries::LeavePastDue, vec![]),
    ] {
        let flow = Flow::begun();
        let change = SettingsChange { after_retries: Some(after_retries), ..Default::default() };
        flow.stripe.simulator.change_settings(&change).unwrap();
        flow.use_card("pm_card_chargeCustomerFail");
        flow.stripe.simulator.advance(MONTH + HOUR);
        let subscription = flow.path.rsplit('/').next().unwrap();
        let form = format!("from_subscription={subscription}");
        flow.stripe.post("/v1/subscription_schedules", &form);
        for days in [1, 2, 2] {
            let told = flow.told(|stripe| stripe.simulator.advance(days * DAY));
            assert_eq!(told, RETRY_FAILED);
        }
        let told = flow.told(|stripe| stripe.simulator.advance(2 * DAY));
        assert_eq!(told[..4], RETRY_FAILED);
        assert_eq!(told[4..], last, "{after_retries:?}");
    }
}

#[test]
fn a_renewal_that_needs_3ds_says_so() {
    let flow = Flow::begun();
    flow.use_card("pm_card_authenticationRequired");
    flow.stripe.simulator.advance(MONTH);
    let told = flow.told(|stripe| stripe.simulator.advance(HOUR));
    assert_eq!(
        told,
        [
            "invoice.finalized",
            "payment_intent.created",
            "payment_intent.requires_action",
            "invoice.updated",
            "invoice.payment_action_required",
            "invoice.payment_failed",
            "customer.subscription.updated",
            "customer.updated",
        ]
    );
}

#[test]
fn an_end_is_planned_taken_back_and_comes() {
    let flow = Flow::begun();
    let updated = ["customer.subscription.updated"];
    let change = |form: &str| flow.told(|stripe| drop(stripe.post(&flow.path, form)));
    assert_eq!(change("cancel_at_period_end=true"), updated);
    assert_eq!(change("cancel_at_period_end=false"), updated);
    assert_eq!(change("cancel_at_period_end=true"), updated);
    let told = flow.told(|stripe| stripe.simulator.advance(MONTH));
    assert_eq!(told, ["customer.subscription.deleted"]);
}

#[test]
fn an_end_now_that_is_invoiced() {
    let flow = Flow::begun();
    flow.stripe.simulator.advance(10 * DAY);
    let form = format!("customer={}&amount=5000&currency=usd", flow.customer);
    flow.stripe.post("/v1/invoiceitems", &form);
    let told = flow.told(|stripe| {
        let form = "invoice_now=true&prorate=true";
        let answer = stripe.send(Method::Delete, &flow.path, form, None).unwrap();
        assert_eq!(answer.status, 200);
    });
    assert_eq!(
        told,
        [
            "invoiceitem.created",
            "customer.subscription.deleted",
            "invoice.created",
            "invoice.finalized",
            "payment_intent.created",
            "payment_intent.succeeded",
            "charge.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
        ]
    );
}

#[test]
fn a_phase_comes_and_the_schedule_lets_go() {
    let flow = Flow::begun();
    let subscription = flow.path.rsplit('/').next().unwrap().to_owned();
    let shown = flow.stripe.get(&flow.path, "");
    let price = id(&shown["items"]["data"][0]["price"]);
    let cheap = flow.stripe.price("unit_amount=500&recurring[interval]=month");
    let mut schedule = Value::Null;
    let told = flow.told(|stripe| {
        let form = format!("from_subscription={subscription}");
        schedule = stripe.post("/v1/subscription_schedules", &form);
        let form = format!(
            "phases[0][items][0][price]={price}&phases[0][end_date]={}\
             &phases[1][items][0][price]={cheap}&phases[1][duration][interval]=month",
            START + MONTH
        );
        stripe.post(&format!("/v1/subscription_schedules/{}", id(&schedule)), &form);
    });
    assert_eq!(
        told,
        [
            "subscription_schedule.created",
            "customer.subscription.updated",
            "subscription_schedule.updated"
        ]
    );
    flow.stripe.simulator.advance(MONTH - 1);
    let told = flow.told(|stripe| stripe.simulator.advance(1 + HOUR));
    assert_eq!(
        told[..3],
        ["customer.subscription.updated", "subscription_schedule.updated", "invoice.created"]
    );
    assert_eq!(told[3..], RENEWAL_PAID);
    flow.stripe.simulator.advance(27 * DAY);
    let told = flow.told(|stripe| stripe.simulator.advance(DAY));
    assert_eq!(
        told[..4],
        [
            "customer.subscription.updated",
            "subscription_schedule.released",
            "invoice.created",
            "customer.subscription.updated",
        ]
    );
    assert_eq!(told[4..], RENEWAL_PAID);
}
