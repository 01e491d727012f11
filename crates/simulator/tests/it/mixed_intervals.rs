//! One subscription with items billed at different intervals.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;
const FEBRUARY: i64 = START + 31 * DAY;
const NEXT_YEAR: i64 = START + 365 * DAY;

struct Case {
    stripe: Stripe,
    customer: String,
    path: String,
    yearly: String,
    monthly: String,
}

/// 3650 a year and 310 a month.
fn mixed() -> Case {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let yearly = stripe.price("unit_amount=3650&recurring[interval]=year");
    let monthly = stripe.price("unit_amount=310&recurring[interval]=month");
    let form = format!("items[1][price]={monthly}");
    let subscription = stripe.subscribe(&customer, &yearly, &form);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    Case { stripe, customer, path, yearly, monthly }
}

impl Case {
    fn newest_invoice(&self) -> Value {
        self.stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
    }

    fn items(&self) -> Value {
        self.stripe.get(&self.path, "")["items"]["data"].clone()
    }

    fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }
}

fn amounts(invoice: &Value) -> Vec<i64> {
    let lines = invoice["lines"]["data"].as_array().unwrap();
    lines.iter().map(|line| line["amount"].as_i64().unwrap()).collect()
}

#[test]
fn each_item_has_its_period_and_one_invoice_bills_what_begins() {
    let case = mixed();
    assert_eq!(amounts(&case.newest_invoice()), [3650, 310]);
    let items = case.items();
    for (item, end) in [(&items[0], NEXT_YEAR), (&items[1], FEBRUARY)] {
        assert_eq!(
            (&item["current_period_start"], &item["current_period_end"]),
            (&json!(START), &json!(end))
        );
    }
    let preview = format!("subscription={}", case.id());
    let preview = case.stripe.post("/v1/invoices/create_preview", &preview);
    assert_eq!((&preview["total"], &preview["created"]), (&json!(310), &json!(FEBRUARY)));
    case.stripe.simulator.advance(31 * DAY + HOUR);
    let renewal = case.newest_invoice();
    assert_eq!((amounts(&renewal), &renewal["status"]), (vec![310], &json!("paid")));
    assert_eq!(case.items()[0]["current_period_end"], NEXT_YEAR, "the year goes on");
    case.stripe.simulator.advance(NEXT_YEAR - FEBRUARY);
    let together = case.newest_invoice();
    assert_eq!(amounts(&together), [3650, 310], "one consolidated invoice");
    assert_eq!(case.stripe.simulator.objects("invoice").len(), 13);
    let year = &together["lines"]["data"][0]["period"];
    assert_eq!(*year, json!({"start": NEXT_YEAR, "end": NEXT_YEAR + 366 * DAY}));
}

#[test]
fn each_item_is_prorated_over_its_own_period() {
    let case = mixed();
    case.stripe.simulator.advance(45 * DAY);
    let items = case.items();
    let change = |item: &Value| {
        let form = "quantity=2&proration_behavior=always_invoice";
        case.stripe.post(&format!("/v1/subscription_items/{}", id(item)), form);
        amounts(&case.newest_invoice())
    };
    assert_eq!(change(&items[0]), [6400, -3200], "320 of 365 days");
    assert_eq!(change(&items[1]), [310, -155], "14 of February's 28");
    case.stripe.simulator.advance(14 * DAY + HOUR);
    assert_eq!(amounts(&case.newest_invoice()), [620]);
    case.stripe.delete(&format!("/v1/subscription_items/{}", id(&case.items()[0])));
    let pending = case.stripe.get("/v1/invoiceitems", "limit=1")["data"][0]["amount"].clone();
    let rest =
        i64::try_from(2 * 3650_i128 * i128::from(NEXT_YEAR - START - 59 * DAY - HOUR)).unwrap();
    assert_eq!(pending, -(rest + 365 * DAY / 2) / (365 * DAY));
}

#[test]
fn it_ends_with_the_shortest_or_the_longest_period() {
    let case = mixed();
    let planned = case.stripe.post(&case.path, "cancel_at=max_period_end");
    assert_eq!(planned["cancel_at"], NEXT_YEAR);
    assert_eq!(case.stripe.get("/v1/invoiceitems", "")["data"], json!([]));
    let planned = case.stripe.post(&case.path, "cancel_at=min_period_end");
    assert_eq!(planned["cancel_at"], FEBRUARY);
    assert_eq!(planned["items"]["data"][0]["current_period_end"], FEBRUARY);
    let back = case.stripe.get("/v1/invoiceitems", "")["data"][0]["amount"].clone();
    assert_eq!(back, -3340, "334 days of the year are given back");
    case.stripe.simulator.advance(31 * DAY + HOUR);
    assert_eq!(case.stripe.get(&case.path, "")["status"], "canceled");
    assert_eq!(case.newest_invoice()["total"], -3340);
    let customer = case.stripe.get(&format!("/v1/customers/{}", case.customer), "");
    assert_eq!(customer["balance"], -3340);
    let case = mixed();
    case.stripe.post(&case.path, "cancel_at=max_period_end");
    case.stripe.simulator.advance(365 * DAY);
    assert_eq!(case.stripe.get(&case.path, "")["ended_at"], NEXT_YEAR);
    assert_eq!(case.stripe.simulator.objects("invoice").len(), 12);
}

#[test]
fn a_trial_a_new_anchor_and_a_checkout_are_of_all_items() {
    let case = mixed();
    case.stripe.simulator.advance(10 * DAY);
    case.stripe.post(&case.path, "billing_cycle_anchor[type]=now&proration_behavior=none");
    assert_eq!(amounts(&case.newest_invoice()), [3650, 310]);
    assert_eq!(case.items()[0]["current_period_end"], NEXT_YEAR + 10 * DAY);
    let end = START + 20 * DAY;
    case.stripe.post(&case.path, &format!("trial_end={end}&proration_behavior=none"));
    case.stripe.simulator.advance(10 * DAY + HOUR);
    assert_eq!(amounts(&case.newest_invoice()), [3650, 310]);
    let more = format!(
        "customer_email=a@b.c&line_items[1][price]={}&line_items[1][quantity]=2",
        case.monthly
    );
    let session = case.stripe.session(&case.yearly, &more);
    case.stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    assert_eq!(amounts(&case.newest_invoice()), [3650, 620]);
}

#[test]
fn paused_and_resumed_in_its_old_cycle_each_pays_for_the_rest_of_its_period() {
    let case = mixed();
    case.stripe.simulator.advance(45 * DAY);
    case.stripe.post(&format!("{}/pause", case.path), "");
    let form = "billing_cycle_anchor[type]=unchanged&proration_behavior=always_invoice";
    case.stripe.post(&format!("{}/resume", case.path), form);
    let mut found = amounts(&case.newest_invoice());
    found.sort_unstable();
    assert_eq!(found, [-3200, -155, 155, 3200]);
    assert_eq!(case.items()[0]["current_period_end"], NEXT_YEAR);
}

#[test]
fn what_does_not_go_together_is_said() {
    let case = mixed();
    let weekly = case.stripe.price("unit_amount=100&recurring[interval]=week");
    let new = format!(
        "customer={}&items[0][price]={}&items[1][price]={weekly}",
        case.customer, case.monthly
    );
    let add = format!("items[0][price]={weekly}");
    let swap = format!("items[0][id]={}&items[0][price]={}", id(&case.items()[0]), case.monthly);
    let schedule = format!("from_subscription={}", case.id());
    for (path, form) in [
        ("/v1/subscriptions", &new),
        (case.path.as_str(), &add),
        (case.path.as_str(), &swap),
        (case.path.as_str(), &"cancel_at_period_end=true".to_owned()),
        ("/v1/subscription_schedules", &schedule),
    ] {
        assert_eq!(case.stripe.refused(Method::Post, path, form).0, 501, "{form}");
    }
    let another = format!("items[0][price]={}&items[0][quantity]=2", case.monthly);
    let added = case.stripe.post(&case.path, &another);
    assert_eq!(added["items"]["data"][2]["current_period_end"], FEBRUARY);
}

#[test]
fn before_a_common_anchor_each_pays_for_a_part_of_its_own_period() {
    let case = mixed();
    let anchor = START + 21 * DAY;
    let form = format!("items[1][price]={}&billing_cycle_anchor={anchor}", case.monthly);
    let subscription = case.stripe.subscribe(&case.customer, &case.yearly, &form);
    assert_eq!(amounts(&case.newest_invoice()), [210, 210], "21 of 365, and 21 of 31 days");
    for item in subscription["items"]["data"].as_array().unwrap() {
        assert_eq!(
            (&item["current_period_start"], &item["current_period_end"]),
            (&json!(START), &json!(anchor))
        );
    }
    case.stripe.simulator.advance(21 * DAY + HOUR);
    assert_eq!(amounts(&case.newest_invoice()), [3650, 310]);
    let session = case.stripe.session(
        &case.yearly,
        &format!(
            "customer_email=a@b.c&line_items[1][price]={}&line_items[1][quantity]=1\
             &subscription_data[billing_cycle_anchor]={}",
            case.monthly,
            anchor + 21 * DAY + HOUR
        ),
    );
    let shown = case.stripe.get(&format!("/v1/checkout/sessions/{session}"), "");
    case.stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    assert_eq!(shown["amount_total"], case.newest_invoice()["amount_paid"]);
    let form = format!(
        "customer={}&items[0][price]={}&items[1][price]={}&cancel_at_period_end=true",
        case.customer, case.yearly, case.monthly
    );
    assert_eq!(case.stripe.refused(Method::Post, "/v1/subscriptions", &form).0, 501);
}
