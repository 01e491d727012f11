//! The billing portal, by API and by clicking.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Request, header},
};
use serde_json::json;
use tollhouse_stripe::Method;
use tower::ServiceExt;

use crate::harness::{DAY, START, Stripe, id};

async fn ask(router: &Router, request: Request<Body>) -> (u16, header::HeaderMap, Bytes) {
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    (head.status.as_u16(), head.headers, to_bytes(body, usize::MAX).await.unwrap())
}

async fn get(router: &Router, path: &str) -> String {
    let (status, _, body) = ask(router, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(status, 200, "{path}");
    String::from_utf8(body.to_vec()).unwrap()
}

/// The status, and the page where it is one.
async fn post(router: &Router, path: &str, form: &str) -> (u16, String) {
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned().into())
        .unwrap();
    let (status, _, body) = ask(router, request).await;
    (status, String::from_utf8(body.to_vec()).unwrap())
}

struct Visit {
    stripe: Stripe,
    router: Router,
    customer: String,
    subscription: String,
    page: String,
}

impl Visit {
    fn new(features: &str) -> Self {
        let stripe = Stripe::new();
        let customer = stripe.customer_with("pm_card_visa");
        let subscription = id(&stripe.subscribe(&customer, &stripe.price(""), ""));
        let configuration = stripe.post("/v1/billing_portal/configurations", features);
        let before = stripe.event_count();
        let session = stripe.post(
            "/v1/billing_portal/sessions",
            &format!(
                "customer={customer}&configuration={}&return_url=https://app.example/billing",
                id(&configuration)
            ),
        );
        assert_eq!(stripe.types_after(before), ["billing_portal.session.created"]);
        let url = session["url"].as_str().unwrap();
        let page = url.strip_prefix("http://127.0.0.1:12111").unwrap().to_owned();
        Self { router: stripe.simulator.router(), stripe, customer, subscription, page }
    }

    fn show(&self) -> serde_json::Value {
        self.stripe.get(&format!("/v1/subscriptions/{}", self.subscription), "")
    }
}

const ALL: &str = "features[payment_method_update][enabled]=true\
    &features[invoice_history][enabled]=true&features[subscription_cancel][enabled]=true";

#[tokio::test]
async fn a_plan_is_canceled_at_its_end_and_kept_again() {
    let visit = Visit::new(ALL);
    let html = get(&visit.router, &visit.page).await;
    for part in ["renews on 1 Feb 2027", "https://app.example/billing", "visa …4242", "(default)"]
    {
        assert!(html.contains(part), "{part}");
    }
    let form = format!("action=cancel&subscription={}", visit.subscription);
    assert_eq!(post(&visit.router, &visit.page, &form).await.0, 303);
    let ending = visit.show();
    // As Stripe's portal does in flexible billing mode.
    assert_eq!(
        (&ending["cancel_at"], &ending["cancel_at_period_end"]),
        (&json!(START + 31 * DAY), &json!(false))
    );
    assert!(get(&visit.router, &visit.page).await.contains("ends on 1 Feb 2027"));
    let form = format!("action=keep&subscription={}", visit.subscription);
    assert_eq!(post(&visit.router, &visit.page, &form).await.0, 303);
    assert_eq!(visit.show()["cancel_at"], json!(null));
    let (status, html) = post(&visit.router, &visit.page, &form.replace("keep", "change")).await;
    assert_eq!(status, 200);
    assert!(html.contains("role=\"alert\"") && html.contains("does not let you change"));
}

#[tokio::test]
async fn a_plan_is_canceled_now_where_the_portal_says_so() {
    let visit = Visit::new(&format!("{ALL}&features[subscription_cancel][mode]=immediately"));
    let form = format!("action=cancel&subscription={}", visit.subscription);
    assert_eq!(post(&visit.router, &visit.page, &form).await.0, 303);
    assert_eq!(visit.show()["status"], "canceled");
    let other = visit.stripe.customer_with("pm_card_visa");
    let foreign = id(&visit.stripe.subscribe(&other, &visit.stripe.price(""), ""));
    let form = format!("action=cancel&subscription={foreign}");
    assert_eq!(post(&visit.router, &visit.page, &form).await.0, 200, "somebody else's");
    let shown = visit.stripe.get(&format!("/v1/subscriptions/{foreign}"), "");
    assert_eq!(shown["status"], "active");
}

#[tokio::test]
async fn cards_are_added_chosen_and_removed() {
    let visit = Visit::new(ALL);
    let add = |number: &str| format!("action=add_card&card_number={number}&expiry=12/34&cvc=123");
    let (status, html) = post(&visit.router, &visit.page, &add("4000000000000002")).await;
    assert_eq!(status, 200);
    assert!(html.contains("Your card was declined."));
    assert_eq!(post(&visit.router, &visit.page, &add("5555555555554444")).await.0, 303);
    let path = format!("/v1/customers/{}", visit.customer);
    let methods = visit.stripe.get(&format!("{path}/payment_methods"), "");
    let (new, old) = (id(&methods["data"][0]), id(&methods["data"][1]));
    let default = || {
        let customer = visit.stripe.get(&path, "");
        customer["invoice_settings"]["default_payment_method"].clone()
    };
    assert_eq!(default(), new.as_str());
    let form = format!("action=default_card&payment_method={old}");
    assert_eq!(post(&visit.router, &visit.page, &form).await.0, 303);
    assert_eq!(default(), old.as_str());
    let form = format!("action=remove_card&payment_method={new}");
    assert_eq!(post(&visit.router, &visit.page, &form).await.0, 303);
    let left = visit.stripe.get(&format!("{path}/payment_methods"), "");
    assert_eq!(left["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_shows_its_price_before_it_is_made() {
    let visit = Visit::new(ALL);
    let large = visit.stripe.post(
        "/v1/prices",
        "currency=usd&product_data[name]=Large&unit_amount=9900&recurring[interval]=month",
    );
    let (price, product) = (id(&large), large["product"].as_str().unwrap().to_owned());
    let configurations = visit.stripe.get("/v1/billing_portal/configurations", "active=true");
    let configuration = id(&configurations["data"][0]);
    visit.stripe.post(
        &format!("/v1/billing_portal/configurations/{configuration}"),
        &format!(
            "features[subscription_update][enabled]=true\
             &features[subscription_update][default_allowed_updates][0]=price\
             &features[subscription_update][proration_behavior]=always_invoice\
             &features[subscription_update][products][0][product]={product}\
             &features[subscription_update][products][0][prices][0]={price}"
        ),
    );
    assert!(get(&visit.router, &visit.page).await.contains("Change to Large"));
    visit.stripe.simulator.advance(21 * DAY);
    let proposal = format!("{}?subscription={}&price={price}", visit.page, visit.subscription);
    let html = get(&visit.router, &proposal).await;
    // Ten of 31 days of $99.00, less ten of $29.00.
    let due = 3194 - 935;
    assert!(html.contains("$22.59") && html.contains("due today"), "{html}");
    let date = visit.stripe.simulator.now();
    visit.stripe.simulator.advance(600);
    let form = format!(
        "action=change&subscription={}&price={price}&proration_date={date}",
        visit.subscription
    );
    assert_eq!(post(&visit.router, &visit.page, &form).await.0, 303);
    let invoice = visit.stripe.get("/v1/invoices", "limit=1")["data"][0].clone();
    assert_eq!(invoice["amount_paid"], due);
    assert_eq!(visit.show()["items"]["data"][0]["price"]["id"], price.as_str());
}

#[tokio::test]
async fn invoices_come_as_a_pdf() {
    let visit = Visit::new(ALL);
    let invoice = visit.stripe.get("/v1/invoices", "")["data"][0].clone();
    let url = invoice["invoice_pdf"].as_str().unwrap();
    let path = url.strip_prefix("http://127.0.0.1:12111").unwrap();
    assert!(get(&visit.router, &visit.page).await.contains(path), "linked in the portal");
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (status, headers, body) = ask(&visit.router, request).await;
    assert_eq!((status, &headers["content-type"]), (200, &"application/pdf".parse().unwrap()));
    assert!(body.starts_with(b"%PDF-"));
    let number = invoice["number"].as_str().unwrap().as_bytes();
    assert!(body.windows(number.len()).any(|found| found == number));
}

#[tokio::test]
async fn an_intent_is_authenticated_on_its_own_page() {
    let stripe = Stripe::new();
    let router = stripe.simulator.router();
    let customer = id(&stripe.post("/v1/customers", ""));
    let intent = stripe.post(
        "/v1/setup_intents",
        &format!(
            "customer={customer}&confirm=true&payment_method=pm_card_threeDSecure2Required\
             &return_url=https://app.example/back?x=1"
        ),
    );
    let page = format!("/authenticate/{}", id(&intent));
    assert!(get(&router, &page).await.contains("Complete authentication"));
    let request = Request::post(&page).body("result=complete".into()).unwrap();
    let (status, headers, _) = ask(&router, request).await;
    assert_eq!(status, 303);
    let back = headers["location"].to_str().unwrap();
    assert!(back.starts_with("https://app.example/back?x=1&setup_intent=seti_"), "{back}");
    assert!(back.ends_with("&redirect_status=succeeded"), "{back}");
    assert!(get(&router, &page).await.contains("You can close this page"));
}

#[tokio::test]
async fn a_promotion_code_is_applied_on_the_checkout_page() {
    let stripe = Stripe::new();
    let router = stripe.simulator.router();
    stripe.post("/v1/coupons", "id=TEN&percent_off=10&duration=once");
    stripe.post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=TEN&code=TEN");
    let more = "customer_email=a@b.c&allow_promotion_codes=true";
    let session = stripe.session(&stripe.price(""), more);
    let page = format!("/c/pay/{session}");
    assert!(get(&router, &page).await.contains("Promotion code"));
    let path = format!("{page}/promotion-code");
    let (_, html) = post(&router, &path, "promotion_code=nonsense").await;
    assert!(html.contains("This code is invalid."));
    let (_, html) = post(&router, &path, "promotion_code=ten").await;
    assert!(html.contains("$26.10") && html.contains("-$2.90"), "{html}");
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    assert_eq!(stripe.get("/v1/invoices", "")["data"][0]["amount_paid"], 2610);
}

#[test]
fn configurations_and_sessions_are_checked() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", ""));
    let form = format!("customer={customer}");
    let (status, error) = stripe.refused(Method::Post, "/v1/billing_portal/sessions", &form);
    assert_eq!((status, &error["type"]), (400, &json!("invalid_request_error")));
    let create = "/v1/billing_portal/configurations";
    let (_, error) = stripe.refused(Method::Post, create, "");
    assert_eq!(error["param"], "features");
    let (_, error) = stripe.refused(
        Method::Post,
        create,
        "features[subscription_update][products][0][product]=prod_x",
    );
    assert_eq!(error["code"], "resource_missing");
    let configuration = id(&stripe.post(create, ALL));
    let sessions = "/v1/billing_portal/sessions";
    let form = format!("{form}&configuration={configuration}");
    let flow = format!("{form}&flow_data[type]=payment_method_update");
    assert_eq!(stripe.post(sessions, &flow)["flow"]["type"], "payment_method_update");
    let flow = format!(
        "{form}&flow_data[type]=subscription_cancel\
         &flow_data[subscription_cancel][subscription]=sub_x"
    );
    assert_eq!(stripe.refused(Method::Post, sessions, &flow).0, 404);
}
