//! Changes inside a period: credits and debits to the second, invoiced now or with the next period.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;
/// January 2027.
const PERIOD: i64 = 31 * DAY;

struct Case {
    stripe: Stripe,
    customer: String,
    subscription: String,
    item: String,
}

impl Case {
    /// A subscription on `amount` a month, begun at [`START`].
    fn new(amount: i64) -> Self {
        let stripe = Stripe::new();
        let customer = stripe.customer_with("pm_card_visa");
        let price = stripe.price(&monthly(amount));
        let subscription = stripe.subscribe(&customer, &price, "");
        let item = id(&subscription["items"]["data"][0]);
        Self { subscription: id(&subscription), stripe, customer, item }
    }

    fn path(&self) -> String {
        format!("/v1/subscriptions/{}", self.subscription)
    }

    fn change(&self, price: &str, more: &str) -> Value {
        let form = format!("items[0][id]={}&items[0][price]={price}&{more}", self.item);
        self.stripe.post(&self.path(), &form)
    }

    fn preview(&self, details: &str) -> Value {
        let form =
            format!("customer={}&subscription={}&{details}", self.customer, self.subscription);
        self.stripe.post("/v1/invoices/create_preview", &form)
    }

    fn newest_invoice(&self) -> Value {
        self.stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
    }
}

fn monthly(amount: i64) -> String {
    format!("unit_amount={amount}&recurring[interval]=month")
}

/// Amounts of the lines, in their order.
fn amounts(invoice: &Value) -> Vec<i64> {
    let lines = invoice["lines"]["data"].as_array().unwrap();
    lines.iter().map(|line| line["amount"].as_i64().unwrap()).collect()
}

#[test]
fn an_upgrade_is_billed_with_the_next_period() {
    // Stripe docs, prorations: 445,540 of 2,678,400 seconds are left.
    let case = Case::new(1000);
    let dearer = case.stripe.price(&monthly(3252));
    case.stripe.simulator.advance(PERIOD - 445_540);
    let before = case.stripe.event_count();
    case.change(&dearer, "");
    assert_eq!(
        case.stripe.types_after(before),
        ["invoiceitem.created", "invoiceitem.created", "customer.subscription.updated"]
    );
    let pending = case.stripe.get("/v1/invoiceitems", "pending=true");
    let found: Vec<i64> =
        pending["data"].as_array().unwrap().iter().map(|i| i["amount"].as_i64().unwrap()).collect();
    assert_eq!(found, [541, -166]);
    let preview = case.preview("");
    assert_eq!((&preview["total"], amounts(&preview)), (&json!(3627), vec![541, -166, 3252]));
    assert_eq!(preview["next_payment_attempt"], START + PERIOD + HOUR);
    case.stripe.simulator.advance(445_540 + HOUR);
    let invoice = case.newest_invoice();
    assert_eq!((&invoice["total"], &invoice["status"]), (&json!(3627), &json!("paid")));
    let line = &invoice["lines"]["data"][1];
    assert_eq!(line["description"], "Unused time on Pro after 26 Jan 2027");
    assert_eq!(line["parent"]["subscription_item_details"]["proration"], true);
    assert_eq!(
        line["parent"]["subscription_item_details"]["subscription_item"],
        case.item.as_str()
    );
    assert_eq!(case.stripe.get("/v1/invoiceitems", "pending=true")["data"], json!([]));
}

#[test]
fn half_a_month_at_fifty_and_half_at_a_hundred() {
    let case = Case::new(5000);
    let dearer = case.stripe.price(&monthly(10_000));
    case.stripe.simulator.advance(15 * DAY);
    case.change(&dearer, "");
    case.stripe.simulator.advance(16 * DAY + HOUR);
    assert_eq!(amounts(&case.newest_invoice()), [5161, -2581, 10_000]);
}

#[test]
fn a_downgrade_invoiced_now_is_credit_for_later() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let days = |amount: i64| {
        stripe.price(&format!(
            "unit_amount={amount}&recurring[interval]=day&recurring[interval_count]=30"
        ))
    };
    let (dear, cheap) = (days(2000), days(1000));
    let subscription = stripe.subscribe(&customer, &dear, "");
    stripe.simulator.advance(20 * DAY);
    let item = id(&subscription["items"]["data"][0]);
    let form =
        format!("items[0][id]={item}&items[0][price]={cheap}&proration_behavior=always_invoice");
    let changed = stripe.post(
        &format!("/v1/subscriptions/{}", id(&subscription)),
        &format!("{form}&expand[]=latest_invoice"),
    );
    let invoice = &changed["latest_invoice"];
    assert_eq!(amounts(invoice), [333, -667], "each line is rounded by itself");
    assert_eq!(
        (&invoice["total"], &invoice["amount_due"], &invoice["status"], &invoice["ending_balance"]),
        (&json!(-334), &json!(0), &json!("paid"), &json!(-334))
    );
    assert_eq!(stripe.get(&format!("/v1/customers/{customer}"), "")["balance"], -334);
    stripe.simulator.advance(10 * DAY + HOUR);
    let renewal = stripe.get("/v1/invoices", "limit=1")["data"][0].clone();
    assert_eq!((&renewal["total"], &renewal["amount_paid"]), (&json!(1000), &json!(666)));
    assert_eq!(stripe.get(&format!("/v1/customers/{customer}"), "")["balance"], 0);
}

#[test]
fn what_was_previewed_is_what_is_charged_minutes_later() {
    let case = Case::new(1000);
    let dearer = case.stripe.price(&monthly(3300));
    case.stripe.simulator.advance(9 * DAY + 12_345);
    let date = case.stripe.simulator.now();
    let details = |prefix: &str| {
        let name = |field: &str| {
            if prefix.is_empty() { field.to_owned() } else { format!("{prefix}[{field}]") }
        };
        format!(
            "{items}[0][id]={}&{items}[0][price]={dearer}&{items}[0][quantity]=4\
             &{}=always_invoice&{}={date}",
            case.item,
            name("proration_behavior"),
            name("proration_date"),
            items = name("items"),
        )
    };
    let before = case.stripe.event_count();
    let preview = case.preview(&details("subscription_details"));
    assert!(id(&preview).starts_with("upcoming_in"));
    assert_eq!(preview["parent"]["subscription_details"]["subscription_proration_date"], date);
    assert_eq!(case.stripe.event_count(), before, "nothing happened");
    assert_eq!(case.stripe.simulator.objects("invoiceitem").len(), 0);
    case.stripe.simulator.advance(17 * 60);
    let before = case.stripe.event_count();
    case.stripe.post(&case.path(), &details(""));
    let invoice = case.newest_invoice();
    assert_eq!(invoice["amount_paid"], preview["amount_due"]);
    assert_eq!(amounts(&invoice), amounts(&preview));
    assert_eq!(invoice["billing_reason"], "subscription_update");
    assert_eq!(
        case.stripe.types_after(before),
        [
            "invoice.created",
            "invoice.finalized",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
            "customer.subscription.updated",
            "invoiceitem.created",
            "invoiceitem.created",
        ]
    );
}

#[test]
fn credit_is_what_was_debited_and_not_what_the_price_says() {
    let case = Case::new(1000);
    let dearer = case.stripe.price(&monthly(3000));
    case.stripe.simulator.advance(10 * DAY);
    case.change(&dearer, "proration_behavior=none");
    assert_eq!(case.stripe.simulator.objects("invoiceitem").len(), 0);
    // 21 days remain; 3000 was never debited, so 1000 is what comes back.
    case.change(&dearer, "items[0][quantity]=2&proration_behavior=always_invoice");
    assert_eq!(amounts(&case.newest_invoice()), [share(6000, 21), -share(1000, 21)]);
    case.stripe.simulator.advance(DAY);
    // Of the second debit, twenty of its twenty-one days come back.
    case.change(&dearer, "items[0][quantity]=1&proration_behavior=always_invoice");
    let back = (share(6000, 21) * 20 * 2 + 21) / 42;
    assert_eq!(amounts(&case.newest_invoice()), [share(3000, 20), -back]);
}

/// `days` of January, half up.
fn share(amount: i64, days: i64) -> i64 {
    (2 * amount * days + 31) / 62
}

#[test]
fn items_come_and_go() {
    let case = Case::new(1000);
    let addon = case.stripe.price(&monthly(310));
    case.stripe.simulator.advance(21 * DAY);
    let changed =
        case.stripe.post(&case.path(), &format!("items[0][price]={addon}&items[0][quantity]=2"));
    assert_eq!(changed["items"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(amounts(&case.preview("")), [200, 1000, 620]);
    let added = id(&changed["items"]["data"][1]);
    case.stripe.post(&case.path(), &format!("items[0][id]={added}&items[0][deleted]=true"));
    assert_eq!(amounts(&case.preview("")), [-200, 200, 1000]);
    let last = format!("items[0][id]={}&items[0][deleted]=true", case.item);
    assert_eq!(case.stripe.refused(Method::Post, &case.path(), &last).0, 400);
}

#[test]
fn another_interval_begins_its_period_at_once() {
    let case = Case::new(1000);
    let yearly = case.stripe.price("unit_amount=10000&recurring[interval]=year");
    case.stripe.simulator.advance(10 * DAY);
    let form = format!(
        "subscription_details[items][0][id]={}&subscription_details[items][0][price]={yearly}",
        case.item
    );
    let preview = case.preview(&form);
    let changed = case.change(&yearly, "");
    let invoice = case.newest_invoice();
    assert_eq!(amounts(&invoice), [-share(1000, 21), 10_000]);
    assert_eq!(amounts(&invoice), amounts(&preview));
    assert_eq!(changed["billing_cycle_anchor"], START, "the anchor stays");
    let item = &changed["items"]["data"][0];
    let now = START + 10 * DAY;
    assert_eq!(
        (&item["current_period_start"], &item["current_period_end"]),
        (&json!(now), &json!(now + 365 * DAY))
    );
    let back = case.stripe.price(&monthly(1000));
    let moved = case.change(&back, "billing_cycle_anchor[type]=now&proration_behavior=none");
    assert_eq!(moved["billing_cycle_anchor"], now);
    assert_eq!(amounts(&case.newest_invoice()), [1000]);
    case.stripe.simulator.advance(PERIOD + HOUR);
    assert_eq!(case.newest_invoice()["total"], 1000);
}

#[test]
fn an_end_inside_the_period_gives_back_the_rest_and_takes_it_again() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=12000&recurring[interval]=year");
    let subscription = stripe.subscribe(&customer, &price, "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let july = START + 181 * DAY;
    let ended = stripe.post(&path, &format!("cancel_at={july}"));
    assert_eq!(ended["items"]["data"][0]["current_period_end"], july);
    let items = |stripe: &Stripe| -> Vec<i64> {
        let listed = stripe.get("/v1/invoiceitems", "");
        listed["data"].as_array().unwrap().iter().map(|i| i["amount"].as_i64().unwrap()).collect()
    };
    assert_eq!(items(&stripe), [-6049], "184 of 365 days");
    stripe.post(&path, "cancel_at=");
    assert_eq!(items(&stripe), [6049, -6049]);
    let pending = id(&stripe.get("/v1/invoiceitems", "limit=1")["data"][0]);
    assert_eq!(stripe.delete(&format!("/v1/invoiceitems/{pending}"))["deleted"], true);
    assert_eq!(items(&stripe), [-6049]);
}

#[test]
fn an_upgrade_with_a_failing_card_stays_and_is_late() {
    let case = Case::new(1000);
    let dearer = case.stripe.price(&monthly(3000));
    let card = case.stripe.post(
        "/v1/payment_methods/pm_card_chargeCustomerFail/attach",
        &format!("customer={}", case.customer),
    );
    case.stripe.post(&case.path(), &format!("default_payment_method={}", id(&card)));
    case.stripe.simulator.advance(DAY);
    let form = format!(
        "items[0][id]={}&items[0][price]={dearer}&proration_behavior=always_invoice",
        case.item
    );
    let refused = format!("{form}&payment_behavior=error_if_incomplete");
    assert_eq!(case.stripe.refused(Method::Post, &case.path(), &refused).0, 402);
    assert_eq!(case.stripe.simulator.objects("invoiceitem").len(), 0, "nothing changed");
    let changed = case.stripe.post(&case.path(), &form);
    assert_eq!(changed["status"], "past_due");
    assert_eq!(changed["items"]["data"][0]["price"]["id"], dearer.as_str());
    let (_, error) = case.stripe.refused(
        Method::Post,
        &case.path(),
        &format!("proration_date={}&{form}", START + 40 * DAY),
    );
    assert_eq!(error["param"], "proration_date");
}

#[test]
fn a_trial_ends_now_and_a_subscription_is_previewed_before_it_exists() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("");
    let form = format!(
        "customer={customer}&subscription_details[items][0][price]={price}\
         &subscription_details[items][0][quantity]=2"
    );
    let preview = stripe.post("/v1/invoices/create_preview", &form);
    assert_eq!((&preview["amount_due"], &preview["parent"]), (&json!(5800), &json!(null)));
    let trial = stripe.subscribe(&customer, &price, "trial_period_days=14");
    let path = format!("/v1/subscriptions/{}", id(&trial));
    let longer = stripe.post(&path, &format!("trial_end={}", START + 20 * DAY));
    assert_eq!(longer["trial_end"], START + 20 * DAY);
    stripe.simulator.advance(15 * DAY);
    assert_eq!(stripe.get(&path, "")["status"], "trialing");
    let begun = stripe.post(&path, "trial_end=now&expand[]=latest_invoice");
    assert_eq!(
        (&begun["status"], &begun["billing_cycle_anchor"]),
        (&json!("active"), &json!(START + 15 * DAY))
    );
    assert_eq!(begun["latest_invoice"]["amount_paid"], 2900);
    stripe.post(&path, "cancel_at_period_end=true");
    let form = format!("subscription={}", id(&trial));
    let (status, error) = stripe.refused(Method::Post, "/v1/invoices/create_preview", &form);
    assert_eq!((status, &error["code"]), (404, &json!("invoice_upcoming_none")));
}

#[test]
fn an_amount_of_ones_own_waits_for_the_next_invoice() {
    let case = Case::new(1000);
    let form = format!("customer={}&amount=250&currency=usd&description=Setup", case.customer);
    let item = case.stripe.post("/v1/invoiceitems", &form);
    assert_eq!((&item["invoice"], &item["proration"]), (&json!(null), &json!(false)));
    case.stripe.simulator.advance(PERIOD + HOUR);
    let invoice = case.newest_invoice();
    assert_eq!(amounts(&invoice), [250, 1000]);
    assert_eq!(invoice["lines"]["data"][0]["parent"]["type"], "invoice_item_details");
    let path = format!("/v1/invoiceitems/{}", id(&item));
    assert_eq!(case.stripe.get(&path, "")["invoice"], invoice["id"]);
    let (_, error) = case.stripe.refused(Method::Delete, &path, "");
    assert_eq!(error["code"], "invoice_not_editable");
    let form = format!("customer={}&currency=usd", case.customer);
    let (_, error) = case.stripe.refused(Method::Post, "/v1/invoiceitems", &form);
    assert_eq!(error["param"], "amount");
}
