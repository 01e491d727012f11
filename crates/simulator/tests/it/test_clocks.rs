//! Customers on a clock of their own.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;
const CLOCKS: &str = "/v1/test_helpers/test_clocks";
/// 1 January 2020: long before the world's own time.
const FROZEN: i64 = 1_577_836_800;

fn clock(stripe: &Stripe) -> String {
    id(&stripe.post(CLOCKS, &format!("frozen_time={FROZEN}&name=Renewals")))
}

/// A customer on the clock, with a default card.
fn customer_on(stripe: &Stripe, clock: &str) -> String {
    let customer = id(&stripe.post("/v1/customers", &format!("email=c@d.e&test_clock={clock}")));
    let method =
        stripe.post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={customer}"));
    let form = format!("invoice_settings[default_payment_method]={}", id(&method));
    stripe.post(&format!("/v1/customers/{customer}"), &form);
    customer
}

fn advance(stripe: &Stripe, clock: &str, to: i64) -> Value {
    stripe.post(&format!("{CLOCKS}/{clock}/advance"), &format!("frozen_time={to}"))
}

#[test]
fn a_customer_on_a_clock_renews_when_the_clock_is_moved() {
    let stripe = Stripe::new();
    let clock = clock(&stripe);
    let customer = customer_on(&stripe, &clock);
    let price = stripe.price("");
    let subscription = stripe.subscribe(&customer, &price, "");
    let other = stripe.subscribe(&stripe.customer_with("pm_card_visa"), &price, "");
    assert_eq!((&subscription["created"], &other["created"]), (&json!(FROZEN), &json!(START)));
    assert_eq!((&subscription["test_clock"], &other["test_clock"]), (&json!(clock), &json!(null)));
    stripe.simulator.advance(3 * DAY);
    let before = stripe.event_count();
    let target = FROZEN + 31 * DAY + HOUR;
    let moving = advance(&stripe, &clock, target);
    assert_eq!((&moving["status"], &moving["frozen_time"]), (&json!("advancing"), &json!(FROZEN)));
    assert_eq!(moving["status_details"]["advancing"]["target_frozen_time"], target);
    let ready = stripe.get(&format!("{CLOCKS}/{clock}"), "");
    assert_eq!((&ready["status"], &ready["frozen_time"]), (&json!("ready"), &json!(target)));
    assert_eq!(
        stripe.types_after(before),
        [
            "test_helpers.test_clock.advancing",
            "invoice.upcoming",
            "invoice.created",
            "customer.subscription.updated",
            "invoice.finalized",
            "payment_intent.created",
            "payment_intent.succeeded",
            "charge.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
            "test_helpers.test_clock.ready",
        ]
    );
    let events = stripe.events_after(before);
    assert_eq!(events[2]["created"], FROZEN + 31 * DAY);
    assert!(events[2]["request"]["id"].is_null(), "time did it");
    let invoices = stripe.get("/v1/invoices", &format!("customer={customer}"));
    assert_eq!(invoices["data"][0]["test_clock"], clock.as_str());
    assert_eq!(invoices["data"][0]["status_transitions"]["paid_at"], target);
    let path = format!("/v1/subscriptions/{}", id(&other));
    assert_eq!(stripe.get(&path, "")["items"], other["items"], "the world stood still");
    let told = stripe.get("/v1/events", "type=invoice.paid&limit=1");
    assert_eq!(told["data"][0]["created"], target, "its events are not too old to be listed");
}

#[test]
fn the_worlds_time_moves_no_clock() {
    let stripe = Stripe::new();
    let clock = clock(&stripe);
    let customer = customer_on(&stripe, &clock);
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "trial_period_days=2");
    assert_eq!(subscription["trial_end"], FROZEN + 2 * DAY);
    stripe.simulator.advance(20 * DAY);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    assert_eq!(stripe.get(&path, "")["status"], "trialing");
    advance(&stripe, &clock, FROZEN + 2 * DAY);
    assert_eq!(stripe.get(&path, "")["status"], "active");
    let pending = format!("customer={customer}&amount=100&currency=usd");
    assert_eq!(stripe.post("/v1/invoiceitems", &pending)["date"], FROZEN + 2 * DAY);
    let item = id(&subscription["items"]["data"][0]);
    stripe.post(&format!("/v1/subscription_items/{item}"), "quantity=2");
    let preview =
        stripe.post("/v1/invoices/create_preview", &format!("subscription={}", id(&subscription)));
    assert_eq!(preview["created"], FROZEN + 33 * DAY);
}

#[test]
fn a_checkout_of_such_a_customer_is_on_the_clock_too() {
    let stripe = Stripe::new();
    let clock = clock(&stripe);
    let customer = customer_on(&stripe, &clock);
    let session = stripe.session(&stripe.price(""), &format!("customer={customer}"));
    let path = format!("/v1/checkout/sessions/{session}");
    assert_eq!(stripe.get(&path, "")["expires_at"], FROZEN + DAY);
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    let paid = stripe.get(&path, "expand[]=subscription");
    assert_eq!(paid["subscription"]["created"], FROZEN);
    let second = stripe.session(&stripe.price(""), &format!("customer={customer}"));
    advance(&stripe, &clock, FROZEN + DAY);
    assert_eq!(stripe.get(&format!("/v1/checkout/sessions/{second}"), "")["status"], "expired");
}

#[test]
fn what_is_on_a_clock_is_listed_only_when_asked_for() {
    let stripe = Stripe::new();
    let clock = clock(&stripe);
    let customer = customer_on(&stripe, &clock);
    let subscription = id(&stripe.subscribe(&customer, &stripe.price(""), ""));
    stripe.post("/v1/subscription_schedules", &format!("from_subscription={subscription}"));
    stripe.post("/v1/invoiceitems", &format!("customer={customer}&amount=1&currency=usd"));
    for (path, asked) in [
        ("/v1/customers", format!("test_clock={clock}")),
        ("/v1/subscriptions", format!("test_clock={clock}")),
        ("/v1/subscriptions", format!("customer={customer}")),
        ("/v1/invoices", format!("customer={customer}")),
        ("/v1/invoices", format!("subscription={subscription}")),
        ("/v1/invoiceitems", format!("customer={customer}")),
        ("/v1/subscription_schedules", format!("customer={customer}")),
    ] {
        let count = |form: &str| stripe.get(path, form)["data"].as_array().unwrap().len();
        assert_eq!((count(""), count(&asked)), (0, 1), "{path} {asked}");
    }
}

#[test]
fn a_clock_has_its_limits() {
    let stripe = Stripe::new();
    let clock = clock(&stripe);
    let path = format!("{CLOCKS}/{clock}/advance");
    let refused = |to: i64| {
        let (_, error) = stripe.refused(Method::Post, &path, &format!("frozen_time={to}"));
        assert_eq!(error["param"], "frozen_time", "{error}");
    };
    refused(FROZEN);
    refused(FROZEN + 733 * DAY);
    advance(&stripe, &clock, FROZEN + 731 * DAY);
    let now = FROZEN + 731 * DAY;
    let customer = customer_on(&stripe, &clock);
    let (monthly, weekly) =
        (stripe.price(""), stripe.price("unit_amount=100&recurring[interval]=week"));
    stripe.subscribe(&customer, &monthly, "");
    let last = stripe.subscribe(&customer, &weekly, "");
    refused(now + 14 * DAY + 1);
    stripe.delete(&format!("/v1/subscriptions/{}", id(&last)));
    advance(&stripe, &clock, now + 31 * DAY);
    stripe.subscribe(&customer, &monthly, "");
    stripe.subscribe(&customer, &monthly, "");
    let form = format!("customer={customer}&items[0][price]={monthly}");
    let (_, error) = stripe.refused(Method::Post, "/v1/subscriptions", &form);
    assert_eq!(error["code"], "customer_max_subscriptions");
    customer_on(&stripe, &clock);
    customer_on(&stripe, &clock);
    let form = format!("test_clock={clock}");
    let (_, error) = stripe.refused(Method::Post, "/v1/customers", &form);
    assert_eq!(error["param"], "test_clock");
    let form = format!("test_clock={clock}&name=x");
    let path = format!("/v1/customers/{customer}");
    assert_eq!(stripe.refused(Method::Post, &path, &form).0, 400, "only at the beginning");
}

#[test]
fn a_deleted_clock_takes_its_customers_along() {
    let stripe = Stripe::new();
    let clock = clock(&stripe);
    let customer = customer_on(&stripe, &clock);
    let subscription = id(&stripe.subscribe(&customer, &stripe.price(""), ""));
    let before = stripe.event_count();
    let path = format!("{CLOCKS}/{clock}");
    assert_eq!(stripe.delete(&path)["deleted"], true);
    assert_eq!(
        stripe.types_after(before),
        ["customer.subscription.deleted", "customer.deleted", "test_helpers.test_clock.deleted"]
    );
    assert_eq!(stripe.get(&format!("/v1/subscriptions/{subscription}"), "")["status"], "canceled");
    assert_eq!(stripe.refused(Method::Get, &path, "").0, 404);
    let second = self::clock(&stripe);
    assert_eq!(stripe.get(CLOCKS, "")["data"].as_array().unwrap().len(), 1);
    stripe.simulator.advance(30 * DAY);
    assert_eq!(stripe.refused(Method::Get, &format!("{CLOCKS}/{second}"), "").0, 404, "by itself");
}

#[test]
fn deliveries_stay_on_the_worlds_time() {
    let stripe = Stripe::new();
    let form = "url=http://127.0.0.1:9/hook&enabled_events[0]=customer.created";
    stripe.post("/v1/webhook_endpoints", form);
    let ahead = id(&stripe.post(CLOCKS, &format!("frozen_time={}", START + 300 * DAY)));
    stripe.post("/v1/customers", &format!("test_clock={ahead}"));
    let due = stripe.simulator.due_deliveries();
    assert_eq!(due.len(), 1, "now, not in three hundred days");
    let signed = due[0].headers.iter().find(|(name, _)| name == "Stripe-Signature").unwrap();
    assert!(signed.1.starts_with(&format!("t={START},")), "{}", signed.1);
}
