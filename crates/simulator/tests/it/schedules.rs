//! Changes that wait for the end of the period.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;
const FEBRUARY: i64 = START + 31 * DAY;

fn monthly(amount: i64) -> String {
    format!("unit_amount={amount}&recurring[interval]=month")
}

fn newest_invoice(stripe: &Stripe) -> Value {
    stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
}

/// A subscription on 50 dollars a month, and its schedule.
fn scheduled(stripe: &Stripe) -> (String, String, String) {
    let customer = stripe.customer_with("pm_card_visa");
    let dear = stripe.price(&monthly(5000));
    let subscription = id(&stripe.subscribe(&customer, &dear, "items[0][quantity]=2"));
    let form = format!("from_subscription={subscription}");
    let schedule = stripe.post("/v1/subscription_schedules", &form);
    assert_eq!(schedule["status"], "active");
    assert_eq!(schedule["phases"][0]["end_date"], FEBRUARY);
    (subscription, dear, format!("/v1/subscription_schedules/{}", id(&schedule)))
}

/// Both phases: the present one, and `price` for one interval after it.
fn two_phases(dear: &str, price: &str, more: &str) -> String {
    format!(
        "phases[0][items][0][price]={dear}&phases[0][items][0][quantity]=2\
         &phases[0][start_date]={START}&phases[0][end_date]={FEBRUARY}\
         &phases[1][items][0][price]={price}&phases[1][items][0][quantity]=3\
         &phases[1][proration_behavior]=none&{more}"
    )
}

#[test]
fn a_downgrade_waits_for_the_end_of_the_period() {
    let stripe = Stripe::new();
    let (subscription, dear, path) = scheduled(&stripe);
    assert_eq!(
        stripe.types_after(stripe.event_count() - 2),
        ["subscription_schedule.created", "customer.subscription.updated"]
    );
    let cheap = stripe.price(&monthly(1000));
    let more = "phases[1][duration][interval]=month&phases[1][duration][interval_count]=1\
                &end_behavior=release";
    let before = stripe.event_count();
    let planned = stripe.post(&path, &two_phases(&dear, &cheap, more));
    assert_eq!(planned["phases"][1]["end_date"], FEBRUARY + 28 * DAY);
    assert_eq!(stripe.types_after(before), ["subscription_schedule.updated"]);
    let preview =
        stripe.post("/v1/invoices/create_preview", &format!("subscription={subscription}"));
    assert_eq!(preview["total"], 3000);
    let before = stripe.event_count();
    stripe.simulator.advance(31 * DAY);
    assert_eq!(
        stripe.types_after(before),
        [
            "invoice.upcoming",
            "customer.subscription.updated",
            "subscription_schedule.updated",
            "invoice.created"
        ]
    );
    let shown = stripe.get(&format!("/v1/subscriptions/{subscription}"), "expand[]=schedule");
    let item = &shown["items"]["data"][0];
    assert_eq!((&item["price"]["id"], &item["quantity"]), (&json!(cheap), &json!(3)));
    assert_eq!(shown["schedule"]["current_phase"]["start_date"], FEBRUARY);
    assert_eq!(newest_invoice(&stripe)["total"], 3000);
    let before = stripe.event_count();
    stripe.simulator.advance(28 * DAY);
    let told = stripe.types_after(before);
    assert!(told.contains(&"subscription_schedule.released".to_owned()), "{told:?}");
    let shown = stripe.get(&path, "");
    assert_eq!(shown["status"], "released");
    assert_eq!(shown["released_subscription"], subscription.as_str());
    stripe.simulator.advance(HOUR);
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 3000, "it goes on by itself");
}

#[test]
fn from_months_to_a_year_at_the_end_of_the_month() {
    let stripe = Stripe::new();
    let (subscription, dear, path) = scheduled(&stripe);
    let yearly = stripe.price("unit_amount=40000&recurring[interval]=year");
    stripe.post(&path, &two_phases(&dear, &yearly, ""));
    stripe.simulator.advance(31 * DAY + HOUR);
    let shown = stripe.get(&format!("/v1/subscriptions/{subscription}"), "");
    assert_eq!(shown["items"]["data"][0]["current_period_end"], FEBRUARY + 365 * DAY);
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 120_000);
}

#[test]
fn a_pending_change_can_be_dropped() {
    let stripe = Stripe::new();
    let (subscription, dear, path) = scheduled(&stripe);
    let cheap = stripe.price(&monthly(1000));
    stripe.post(&path, &two_phases(&dear, &cheap, ""));
    let before = stripe.event_count();
    let released = stripe.post(&format!("{path}/release"), "");
    assert_eq!(
        (&released["status"], &released["subscription"], &released["current_phase"]),
        (&json!("released"), &json!(null), &json!(null))
    );
    assert_eq!(
        stripe.types_after(before),
        ["customer.subscription.updated", "subscription_schedule.released"]
    );
    assert_eq!(stripe.refused(Method::Post, &format!("{path}/release"), "").0, 400);
    stripe.simulator.advance(31 * DAY + HOUR);
    assert_eq!(newest_invoice(&stripe)["total"], 10_000, "nothing changed");
    let form = format!("from_subscription={subscription}");
    stripe.post("/v1/subscription_schedules", &form);
    assert_eq!(stripe.refused(Method::Post, "/v1/subscription_schedules", &form).0, 400);
}

#[test]
fn a_schedule_ends_with_its_subscription_and_the_other_way_round() {
    let stripe = Stripe::new();
    let (subscription, _, path) = scheduled(&stripe);
    let pause = format!("/v1/subscriptions/{subscription}/pause");
    assert_eq!(stripe.refused(Method::Post, &pause, "").0, 400, "a schedule manages it");
    stripe.delete(&format!("/v1/subscriptions/{subscription}"));
    assert_eq!(stripe.get(&path, "")["status"], "canceled");

    let (subscription, _, path) = scheduled(&stripe);
    assert_eq!(stripe.post(&format!("{path}/cancel"), "prorate=false")["status"], "canceled");
    let shown = stripe.get(&format!("/v1/subscriptions/{subscription}"), "");
    assert_eq!(shown["status"], "canceled");

    let (subscription, _, path) = scheduled(&stripe);
    stripe.post(&path, "end_behavior=cancel");
    stripe.simulator.advance(31 * DAY);
    assert_eq!(stripe.get(&path, "")["status"], "completed");
    let shown = stripe.get(&format!("/v1/subscriptions/{subscription}"), "");
    assert_eq!(shown["status"], "canceled");
}

#[test]
fn a_phase_may_begin_inside_a_period() {
    let stripe = Stripe::new();
    let (subscription, dear, path) = scheduled(&stripe);
    let dearer = stripe.price(&monthly(9300));
    let middle = START + 21 * DAY;
    let form = format!(
        "phases[0][items][0][price]={dear}&phases[0][items][0][quantity]=2\
         &phases[0][end_date]={middle}&phases[1][items][0][price]={dearer}\
         &phases[1][proration_behavior]=always_invoice"
    );
    stripe.post(&path, &form);
    stripe.simulator.advance(21 * DAY);
    assert_eq!(newest_invoice(&stripe)["total"], 3000 - 3226, "ten of 31 days of each");
    let shown = stripe.get(&format!("/v1/subscriptions/{subscription}"), "");
    assert_eq!(shown["items"]["data"][0]["price"]["id"], dearer.as_str());
}

#[test]
fn phases_are_checked() {
    let stripe = Stripe::new();
    let (_, dear, path) = scheduled(&stripe);
    for (form, param) in [
        (
            two_phases(&dear, &dear, &format!("phases[1][start_date]={}", FEBRUARY + 1)),
            "phases[1][start_date]",
        ),
        (
            two_phases(&dear, &dear, &format!("phases[1][end_date]={FEBRUARY}")),
            "phases[1][end_date]",
        ),
        (two_phases(&dear, "price_x", ""), "phases[1][items][0][price]"),
        (two_phases(&dear, &dear, "phases[1][iterations]=1"), "phases[1][iterations]"),
        (format!("phases[0][items][0][price]={dear}&phases[0][end_date]={FEBRUARY}"), "phases"),
    ] {
        let (_, error) = stripe.refused(Method::Post, &path, &form);
        assert_eq!(error["param"], param, "{form}: {error}");
    }
}
