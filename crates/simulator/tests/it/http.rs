//! Over HTTP: keys, headers, control, and the pages.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::{DAY, START, Stripe};

async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, header::HeaderMap, String) {
    let response: Response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn post(path: &str, kind: &str, body: &str) -> Request<Body> {
    Request::post(path).header("content-type", kind).body(body.to_owned().into()).unwrap()
}

fn form(path: &str, body: &str) -> Request<Body> {
    post(path, "application/x-www-form-urlencoded", body)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn a_key_is_needed_and_a_version_makes_it_strict() {
    let stripe = Stripe::new();
    let router = stripe.simulator.router();
    let call = |key: Option<&str>, version: Option<&str>| {
        let mut request = Request::get("/v1/customers?limit=1&nonsense=1");
        for (name, value) in [("authorization", key), ("stripe-version", version)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request.body(Body::empty()).unwrap()
    };
    let (status, _, body) = ask(&router, call(None, None)).await;
    assert_eq!(status, 401);
    assert!(
        json(&body)["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("You did not provide an API key")
    );
    assert_eq!(ask(&router, call(Some("Bearer sk_live_1"), None)).await.0, 401);
    let (status, headers, _) = ask(&router, call(Some("Bearer sk_test_any"), None)).await;
    assert_eq!(status, 200, "lenient without a version");
    assert_eq!(headers["stripe-version"], "2026-10-28.endive");
    assert!(headers["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(headers["date"], "Fri, 01 Jan 2027 00:00:00 GMT");
    let strict = call(Some("Basic c2tfdGVzdF9hYmM6"), Some("2026-10-28.endive"));
    assert_eq!(ask(&router, strict).await.0, 400);
    let old = call(Some("Bearer sk_test_any"), Some("2024-06-20"));
    assert_eq!(ask(&router, old).await.0, 400);
}

#[tokio::test]
async fn faults_and_the_clock_are_ordered_over_http() {
    let stripe = Stripe::new();
    let router = stripe.simulator.router();
    let order = |path: &str, body: &str| post(path, "application/json", body);
    let (status, _, body) =
        ask(&router, order("/_sim/clock", r#"{"advance_seconds": 86400}"#)).await;
    assert_eq!((status, json(&body)), (StatusCode::OK, json!({"now": START + DAY, "offset": DAY})));
    for refused in [r#"{"advance_seconds": -1}"#, r#"{"to": 1}"#, "{}", r#"{"nonsense": 1}"#] {
        assert_eq!(ask(&router, order("/_sim/clock", refused)).await.0, 400, "{refused}");
    }
    for (kind, expected) in
        [("unreachable", 503), ("done_but_unanswered", 500), ("error_500", 500), ("error_429", 429)]
    {
        let body = format!(r#"{{"kind": "{kind}", "path": "/v1/customers"}}"#);
        assert_eq!(ask(&router, order("/_sim/faults", &body)).await.0, 204);
        let (status, _, _) = ask(&router, get("/v1/customers")).await;
        assert_eq!(status.as_u16(), expected, "{kind}");
    }
    let duplicate = order("/_sim/deliveries/faults", r#"{"kind": "duplicate", "times": 2}"#);
    assert_eq!(ask(&router, duplicate).await.0, 204);
    stripe.post("/v1/customers", "");
    let (_, _, index) = ask(&router, get("/_sim/")).await;
    assert!(index.contains("2 Jan 2027") && index.contains("Customers"));
    assert_eq!(ask(&router, form("/_sim/clock/forward", "seconds=86400")).await.0, 303);
    assert_eq!(stripe.simulator.now(), START + 2 * DAY);
    assert_eq!(ask(&router, order("/_sim/reset", "")).await.0, 204);
    assert!(stripe.simulator.objects("customer").is_empty());
    assert_eq!(stripe.simulator.now(), START);
}

const CARD: &str = "expiry=12+%2F+34&cvc=123&name=Ann";

#[tokio::test]
async fn a_person_is_declined_pays_and_is_sent_back() {
    let stripe = Stripe::new();
    let session = stripe.session(&stripe.price(""), "customer_email=ann@example.com");
    let (router, page) = (stripe.simulator.router(), format!("/c/pay/{session}"));
    let (status, headers, html) = ask(&router, get(&page)).await;
    assert_eq!(status, 200);
    assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    for part in ["Pay $29.00", "ann@example.com", "name=\"card_number\"", "no real money"] {
        assert!(html.contains(part), "{part}");
    }
    let (_, _, filled) = ask(&router, form(&page, "fill=4000000000000002")).await;
    assert!(filled.contains("value=\"4000000000000002\"") && filled.contains("value=\"12 / 34\""));
    let declined = form(&page, &format!("card_number=4000000000000002&{CARD}"));
    let (status, _, html) = ask(&router, declined).await;
    assert_eq!(status, 200);
    assert!(html.contains("role=\"alert\"") && html.contains("Your card was declined."));
    let paid = form(&page, &format!("card_number=4242+4242+4242+4242&{CARD}"));
    let (status, headers, _) = ask(&router, paid).await;
    assert_eq!(status, 303);
    assert_eq!(headers["location"], format!("https://app.example/done?s={session}"));
    let (_, _, html) = ask(&router, get(&page)).await;
    assert!(html.contains("already paid"));
    let customer = &stripe.simulator.objects("customer")[0];
    assert_eq!((&customer["email"], &customer["name"]), (&json!("ann@example.com"), &json!("Ann")));
    let invoice = &stripe.simulator.objects("invoice")[0];
    let hosted = invoice["hosted_invoice_url"].as_str().unwrap();
    let (_, _, html) = ask(&router, get(hosted.trim_start_matches("http://127.0.0.1:12111"))).await;
    assert!(html.contains(invoice["number"].as_str().unwrap()) && html.contains("$29.00"));
}

#[tokio::test]
async fn the_bank_asks_and_takes_yes_or_no() {
    let stripe = Stripe::new();
    let session = stripe.session(&stripe.price(""), "customer_email=ann@example.com");
    let (router, page) = (stripe.simulator.router(), format!("/c/pay/{session}"));
    let pay = || form(&page, &format!("card_number=4000002500003155&{CARD}"));
    let answer =
        |result: &str| form(&format!("{page}/authentication"), &format!("result={result}"));
    let (_, _, html) = ask(&router, pay()).await;
    assert!(html.contains("Complete authentication"));
    let (_, _, html) = ask(&router, answer("fail")).await;
    assert!(html.contains("unable to authenticate"));
    assert!(ask(&router, answer("complete")).await.2.contains("role=\"alert\""), "nothing waits");
    ask(&router, pay()).await;
    assert_eq!(ask(&router, answer("complete")).await.0, 303);
    assert_eq!(stripe.simulator.objects("subscription")[0]["status"], "active");
}

#[tokio::test]
async fn pages_escape_what_they_show_and_say_when_it_is_too_late() {
    let stripe = Stripe::new();
    let price =
        stripe.price("unit_amount=500&recurring[interval]=year&product_data[name]=<b>Evil</b>");
    let session = stripe.session(&price, "subscription_data[trial_period_days]=7");
    let (router, page) = (stripe.simulator.router(), format!("/c/pay/{session}"));
    let (_, _, html) = ask(&router, get(&page)).await;
    assert!(!html.contains("<b>Evil") && html.contains("&lt;b&gt;Evil"));
    assert!(
        html.contains("7 days free")
            && html.contains("$5.00 per year")
            && html.contains("Start trial")
    );
    let typed = form(&page, "card_number=%22%3E%3Cscript%3E&expiry=1&cvc=1&name=x&email=y");
    let (_, _, html) = ask(&router, typed).await;
    assert!(!html.contains("<script>") && html.contains("role=\"alert\""));
    stripe.simulator.advance(DAY);
    let (_, _, html) = ask(&router, get(&page)).await;
    assert!(html.contains("has expired") && html.contains("https://app.example/plans"));
    assert_eq!(ask(&router, get("/c/pay/cs_test_x")).await.0, 404);
}

#[tokio::test]
async fn tax_is_set_over_http_and_the_country_is_chosen_on_the_page() {
    let stripe = Stripe::new();
    let router = stripe.simulator.router();
    let order = |body: &str| post("/_sim/tax", "application/json", body);
    assert_eq!(ask(&router, get("/_sim/tax")).await.2, "{}");
    let (status, _, body) =
        ask(&router, order(r#"{"country": "DE", "percentage": 19, "inclusive": false}"#)).await;
    assert_eq!(
        (status, json(&body)),
        (StatusCode::OK, json!({"DE": {"percentage": 19, "inclusive": false}}))
    );
    assert_eq!(ask(&router, order(r#"{"country": "Germany", "percentage": 19}"#)).await.0, 400);
    let session = stripe.session(&stripe.price(""), "automatic_tax[enabled]=true");
    let page = format!("/c/pay/{session}");
    let pay = "email=ann@example.com&card_number=4242424242424242&expiry=12/34&cvc=123";
    let (_, _, body) = ask(&router, form(&page, pay)).await;
    assert!(body.contains("Choose your country first"), "{body}");
    let country = format!("{page}/country");
    let (_, _, body) = ask(&router, form(&country, "country=Germany")).await;
    assert!(body.contains("a code of two letters"), "{body}");
    let (_, _, body) = ask(&router, form(&country, "country=de")).await;
    assert!(body.contains("Pay $34.51") && body.contains("$5.51"), "{body}");
    let (status, _, body) = ask(&router, form(&page, pay)).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{body}");
    let none = r#"{"country": "DE", "percentage": null}"#;
    assert_eq!(ask(&router, order(none)).await.2, "{}");
}

#[tokio::test]
async fn an_owners_settings_are_changed_over_http() {
    let stripe = Stripe::new();
    let router = stripe.simulator.router();
    let order = |body: &str| post("/_sim/settings", "application/json", body);
    let start = json!({"after_retries": "cancel", "invoice_upcoming_days": 7});
    assert_eq!(json(&ask(&router, get("/_sim/settings")).await.2), start);
    let (_, _, body) = ask(&router, order(r#"{"after_retries": "leave_past_due"}"#)).await;
    assert_eq!(json(&body), json!({"after_retries": "leave_past_due", "invoice_upcoming_days": 7}));
    for wrong in
        [r#"{"after_retries": "forget"}"#, r#"{"days": 1}"#, r#"{"invoice_upcoming_days": -1}"#]
    {
        assert_eq!(ask(&router, order(wrong)).await.0, 400, "{wrong}");
    }
    stripe.simulator.reset();
    assert_eq!(json(&ask(&router, get("/_sim/settings")).await.2), start);
}
