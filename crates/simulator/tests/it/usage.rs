//! Reporting usage: what is refused, what is told by an event, what is counted.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

pub fn meter(stripe: &Stripe, formula: &str) -> Value {
    stripe.post(
        "/v1/billing/meters",
        &format!("display_name=Calls&event_name=calls&default_aggregation[formula]={formula}"),
    )
}

pub fn report(stripe: &Stripe, customer: &str, value: &str, more: &str) -> Value {
    let form = format!(
        "event_name=calls&payload[stripe_customer_id]={customer}&payload[value]={value}&{more}"
    );
    stripe.post("/v1/billing/meter_events", &form)
}

fn total(stripe: &Stripe, meter: &Value, customer: &str) -> Value {
    let (from, to) = (START - 40 * DAY, START + 40 * DAY);
    let form = format!("customer={customer}&start_time={from}&end_time={to}");
    let path = format!("/v1/billing/meters/{}/event_summaries", id(meter));
    stripe.get(&path, &form)["data"][0]["aggregated_value"].clone()
}

#[test]
fn meters_count_sum_or_take_the_last() {
    for (formula, expected) in [("sum", json!(6.75)), ("count", json!(3)), ("last", json!(4.25))] {
        let stripe = Stripe::new();
        let meter = meter(&stripe, formula);
        let customer = stripe.customer_with("pm_card_visa");
        report(&stripe, &customer, "2", &format!("timestamp={}", START - 60));
        report(&stripe, &customer, "4.25", "");
        report(&stripe, &customer, "0.5", &format!("timestamp={}", START - 30));
        assert_eq!(total(&stripe, &meter, &customer), expected, "{formula}");
    }
}

#[test]
fn reports_of_a_wrong_form_are_refused() {
    let stripe = Stripe::new();
    meter(&stripe, "sum");
    let customer = stripe.customer_with("pm_card_visa");
    let payload = format!("payload[stripe_customer_id]={customer}&payload[value]=1");
    report(&stripe, &customer, "1", "identifier=once");
    for (form, code) in [
        (payload.clone(), "parameter_missing"),
        ("event_name=calls".to_owned(), "parameter_missing"),
        (format!("event_name=calls&{payload}&identifier=once"), "resource_already_exists"),
        (
            format!("event_name=calls&{payload}&timestamp={}", START - 35 * DAY - 1),
            "timestamp_too_far_in_past",
        ),
        (format!("event_name=calls&{payload}&timestamp={}", START + 301), "timestamp_in_future"),
    ] {
        let (status, error) = stripe.refused(Method::Post, "/v1/billing/meter_events", &form);
        assert_eq!((status, &error["code"]), (400, &json!(code)), "{form}");
    }
    report(&stripe, &customer, "1", &format!("timestamp={}", START - 35 * DAY));
    report(&stripe, &customer, "1", &format!("timestamp={}", START + 300));
    stripe.simulator.advance(DAY);
    report(&stripe, &customer, "1", "identifier=once");
}

#[test]
fn reports_that_count_for_nothing_are_told_by_thin_events() {
    let stripe = Stripe::new();
    let meter = meter(&stripe, "sum");
    let customer = stripe.customer_with("pm_card_visa");
    for (form, code) in [
        ("event_name=other&payload[value]=1".to_owned(), "no_meter"),
        ("event_name=calls&payload[value]=1".to_owned(), "meter_event_no_customer_defined"),
        (
            "event_name=calls&payload[value]=1&payload[stripe_customer_id]=cus_x".to_owned(),
            "meter_event_customer_not_found",
        ),
        (
            format!("event_name=calls&payload[stripe_customer_id]={customer}"),
            "meter_event_value_not_found",
        ),
        (
            format!("event_name=calls&payload[stripe_customer_id]={customer}&payload[value]=x"),
            "meter_event_invalid_value",
        ),
    ] {
        stripe.post("/v1/billing/meter_events", &format!("{form}&identifier={code}"));
        let told = stripe.get("/v2/core/events", "limit=1");
        let event = &told["data"][0];
        let kind = &event["data"]["reason"]["error_types"][0];
        assert_eq!(kind["code"], code);
        assert_eq!(kind["sample_errors"][0]["request"]["identifier"], code);
        match code {
            "no_meter" => assert_eq!(event["type"], "v1.billing.meter.no_meter_found"),
            _ => assert_eq!(event["related_object"]["id"], meter["id"]),
        }
        let one = stripe.get(&format!("/v2/core/events/{}", id(event)), "");
        assert_eq!(&one, event);
    }
    stripe.post(&format!("/v1/billing/meters/{}/deactivate", id(&meter)), "");
    report(&stripe, &customer, "1", "");
    let about = stripe.get("/v2/core/events", &format!("object_id={}", id(&meter)));
    let newest = &about["data"][0]["data"]["reason"]["error_types"][0];
    assert_eq!(
        (about["data"].as_array().unwrap().len(), &newest["code"]),
        (5, &json!("archived_meter"))
    );
    let first = stripe.get("/v2/core/events", "limit=4");
    let page = first["next_page_url"].as_str().unwrap().split("page=").nth(1).unwrap();
    let rest = stripe.get("/v2/core/events", &format!("limit=4&page={page}"));
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["next_page_url"]), (2, &Value::Null));
}

#[test]
fn a_report_can_be_taken_back_within_a_day() {
    let stripe = Stripe::new();
    let meter = meter(&stripe, "sum");
    let customer = stripe.customer_with("pm_card_visa");
    report(&stripe, &customer, "5", "identifier=a");
    report(&stripe, &customer, "2", "identifier=b");
    let form = |name: &str| format!("event_name=calls&type=cancel&cancel[identifier]={name}");
    let path = "/v1/billing/meter_event_adjustments";
    assert_eq!(stripe.post(path, &form("a"))["status"], "complete");
    assert_eq!(total(&stripe, &meter, &customer), 2);
    assert_eq!(stripe.refused(Method::Post, path, &form("c")).0, 400);
    stripe.simulator.advance(DAY);
    assert_eq!(stripe.refused(Method::Post, path, &form("b")).0, 400);
}

#[test]
fn summaries_are_by_hour_or_day_on_their_boundaries() {
    let stripe = Stripe::new();
    let meter = meter(&stripe, "sum");
    let customer = stripe.customer_with("pm_card_visa");
    for (ago, value) in [(DAY, "1"), (DAY - 3600, "2"), (60, "4")] {
        report(&stripe, &customer, value, &format!("timestamp={}", START - ago));
    }
    let path = format!("/v1/billing/meters/{}/event_summaries", id(&meter));
    let range = |from: i64, to: i64| format!("customer={customer}&start_time={from}&end_time={to}");
    let values = |form: &str| -> Vec<(i64, i64)> {
        let list = stripe.get(&path, form);
        let data = list["data"].as_array().unwrap().iter();
        data.map(|s| {
            let value = s["aggregated_value"].as_i64().unwrap();
            ((s["end_time"].as_i64().unwrap() - s["start_time"].as_i64().unwrap()) / 60, value)
        })
        .collect()
    };
    let whole = range(START - 2 * DAY, START);
    assert_eq!(values(&whole), [(2880, 7)]);
    assert_eq!(values(&format!("{whole}&value_grouping_window=day")), [(1440, 7)]);
    let hours = [(60, 4), (60, 2), (60, 1)];
    assert_eq!(values(&format!("{whole}&value_grouping_window=hour")), hours);
    assert_eq!(values(&range(START - DAY + 60, START)), [(1439, 6)]);
    for form in [
        range(START - 1, START),
        range(START, START),
        format!("{}&value_grouping_window=hour", range(START - 60, START)),
        format!("{}&value_grouping_window=day", range(START - 3600, START)),
    ] {
        assert_eq!(stripe.refused(Method::Get, &path, &form).0, 400, "{form}");
    }
}

#[test]
fn meters_are_renamed_switched_off_and_on() {
    let stripe = Stripe::new();
    let first = meter(&stripe, "sum");
    let path = format!("/v1/billing/meters/{}", id(&first));
    let since = stripe.event_count();
    assert_eq!(stripe.post(&path, "display_name=Requests")["display_name"], "Requests");
    let off = stripe.post(&format!("{path}/deactivate"), "");
    assert_eq!(
        (&off["status"], &off["status_transitions"]["deactivated_at"]),
        (&json!("inactive"), &json!(START))
    );
    assert_eq!(stripe.refused(Method::Post, &format!("{path}/deactivate"), "").0, 400);
    let (status, error) = stripe.refused(
        Method::Post,
        "/v1/prices",
        &format!(
            "currency=usd&product_data[name]=P&unit_amount=1&recurring[interval]=month\
             &recurring[usage_type]=metered&recurring[meter]={}",
            id(&first)
        ),
    );
    assert_eq!((status, &error["param"]), (400, &json!("recurring[meter]")));
    let second = meter(&stripe, "sum");
    let (_, error) = stripe.refused(Method::Post, &format!("{path}/reactivate"), "");
    assert_eq!(error["code"], "resource_already_exists");
    stripe.post(&format!("/v1/billing/meters/{}/deactivate", id(&second)), "");
    assert_eq!(stripe.post(&format!("{path}/reactivate"), "")["status"], "active");
    let active = stripe.get("/v1/billing/meters", "status=active");
    assert_eq!(active["data"][0]["id"], first["id"]);
    assert_eq!(
        stripe.types_after(since),
        [
            "billing.meter.updated",
            "billing.meter.deactivated",
            "billing.meter.created",
            "billing.meter.deactivated",
            "billing.meter.reactivated",
        ]
    );
}

#[test]
fn version_two_takes_reports_and_adjustments() {
    let stripe = Stripe::new();
    let meter = meter(&stripe, "sum");
    let customer = stripe.customer_with("pm_card_visa");
    let payload = format!("payload[stripe_customer_id]={customer}&payload[value]=1.5");
    let path = "/v2/billing/meter_events";
    let made = stripe.post(
        path,
        &format!("event_name=calls&identifier=x&timestamp=2026-12-31T23:00:00Z&{payload}"),
    );
    assert_eq!(made["timestamp"], "2026-12-31T23:00:00.000Z");
    let (_, error) =
        stripe.refused(Method::Post, path, &format!("event_name=calls&timestamp=soon&{payload}"));
    assert_eq!(error["param"], "timestamp");
    assert_eq!(total(&stripe, &meter, &customer), json!(1.5));
    stripe.post(
        "/v2/billing/meter_event_adjustments",
        "event_name=calls&type=cancel&cancel[identifier]=x",
    );
    assert_eq!(total(&stripe, &meter, &customer), 0);
}
