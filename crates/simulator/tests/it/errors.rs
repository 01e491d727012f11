//! What is refused, in Stripe's words; keys, faults and retries.

use serde_json::{Value, json};
use tollhouse_simulator::{Fault, FaultKind};
use tollhouse_stripe::{Failure, Method};

use crate::harness::{DAY, Stripe, id};

#[test]
fn a_key_replays_the_first_answer_for_a_day() {
    let stripe = Stripe::new();
    let create = |form: &str| {
        let answer = stripe.send(Method::Post, "/v1/customers", form, Some("k")).unwrap();
        let replayed = answer.header("idempotent-replayed").map(str::to_owned);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, replayed, body)
    };
    let first = create("email=a@b.c");
    let second = create("email=a@b.c");
    assert_eq!((first.1, &second.1), (None, &Some("true".to_owned())));
    assert_eq!(first.2, second.2);
    let other = create("email=x@y.z");
    assert_eq!((other.0, &other.2["error"]["type"]), (400, &json!("idempotency_error")));
    assert_eq!(stripe.simulator.objects("customer").len(), 1);
    stripe.simulator.advance(DAY);
    assert_ne!(create("email=a@b.c").2["id"], first.2["id"], "forgotten after a day");
}

#[test]
fn a_refused_request_may_be_mended_under_its_key() {
    let stripe = Stripe::new();
    let product = |form: &str| stripe.send(Method::Post, "/v1/products", form, Some("k")).unwrap();
    assert_eq!(product("description=x").status, 400);
    assert_eq!(product("name=x").status, 200);
}

#[test]
fn parameters_are_known_or_refused() {
    let stripe = Stripe::new();
    let post = |path: &str, form: &str| {
        let (status, error) = stripe.refused(Method::Post, path, form);
        (status, error["code"].as_str().unwrap_or("").to_owned(), error["param"].clone())
    };
    for (path, form, expected) in [
        ("/v1/customers", "nonsense=1", (400, "parameter_unknown", json!("nonsense"))),
        ("/v1/customers", "tax_exempt=none", (501, "not_simulated", json!("tax_exempt"))),
        ("/v1/customers", "email=ann", (400, "email_invalid", json!("email"))),
        ("/v1/products", "", (400, "parameter_missing", json!("name"))),
        ("/v1/products", "name=", (400, "parameter_invalid_empty", json!("name"))),
        ("/v1/tax_ids", "type=eu_vat&value=DE1", (501, "not_simulated", Value::Null)),
        ("/v1/customers/cus_x", "", (404, "resource_missing", json!("id"))),
        (
            "/v1/prices",
            "currency=usd&product_data[name]=x&unit_amount=1.5",
            (400, "parameter_invalid_integer", json!("unit_amount")),
        ),
        (
            "/v1/prices",
            "currency=usd&product_data[name]=x&unit_amount=1&recurring[interval]=month\
             &recurring[usage_type]=metered",
            (400, "parameter_missing", json!("recurring[meter]")),
        ),
    ] {
        let (status, code, param) = post(path, form);
        assert_eq!((status, code.as_str(), param), expected, "{path} {form}");
    }
    let (status, error) = stripe.refused(Method::Get, "/v1/unknown", "");
    assert_eq!(status, 404);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("Unrecognized request URL (GET: /v1/unknown)")
    );
    let (_, error) = stripe.refused(Method::Get, "/v1/customers/cus_x", "");
    assert_eq!(error["message"], "No such customer: 'cus_x'");
    assert!(stripe.simulator.objects("product").is_empty(), "a refused price leaves no product");
}

#[test]
fn a_deleted_customer_is_shown_as_deleted_and_takes_no_more() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let path = format!("/v1/customers/{customer}");
    assert_eq!(stripe.delete(&path)["deleted"], true);
    assert_eq!(
        stripe.get(&path, ""),
        json!({"id": customer, "object": "customer", "deleted": true})
    );
    assert_eq!(stripe.refused(Method::Post, &path, "name=x").0, 404);
    assert_eq!(stripe.get("/v1/customers", "")["data"], json!([]));
    let canceled =
        stripe.get(&format!("/v1/subscriptions/{}", id(&subscription)), "expand[]=customer");
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(canceled["customer"]["deleted"], true);
}

#[test]
fn faults_come_as_ordered_and_then_go() {
    let stripe = Stripe::new();
    let fault = |kind, path: Option<&str>| {
        stripe.simulator.add_fault(Fault {
            kind,
            times: 1,
            method: None,
            path: path.map(str::to_owned),
        });
    };
    let create = |key| stripe.send(Method::Post, "/v1/customers", "name=x", Some(key));
    fault(FaultKind::Error500, Some("/v1/prices"));
    assert_eq!(create("a").unwrap().status, 200, "another path");
    fault(FaultKind::Error429, None);
    let limited = create("b").unwrap();
    assert_eq!((limited.status, limited.header("stripe-should-retry")), (429, Some("true")));
    fault(FaultKind::Unreachable, None);
    assert!(matches!(create("b"), Err(Failure::Unreachable(_))));
    assert_eq!(stripe.simulator.objects("customer").len(), 1, "nothing done");
    fault(FaultKind::DoneButUnanswered, None);
    assert!(matches!(create("b"), Err(Failure::Unreachable(_))));
    assert_eq!(stripe.simulator.objects("customer").len(), 2, "done");
    assert_eq!(create("b").unwrap().header("idempotent-replayed"), Some("true"));
}

#[test]
fn the_same_seed_and_requests_give_the_same_world() {
    let story = |seed| {
        let stripe = Stripe::with_seed(seed);
        let session = stripe.session(&stripe.price(""), "customer_email=ann@example.com");
        stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        stripe.simulator.advance(40 * DAY);
        stripe.simulator.objects("event")
    };
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}
