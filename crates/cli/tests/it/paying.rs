//! A person pays on the page, in a browser, and everybody knows.

use serde_json::json;

use crate::harness::{Browser, Demo};

const PAYS: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";
const ASKS_THE_BANK: &str = "4000002500003155";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_card_grants_nothing_and_a_good_one_everything() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(false);
    let checkout = demo.checkout(&tenant).await;
    let mut live = demo.listen(&tenant).await;
    let browser = Browser::start().await;

    browser.open(&checkout.url).await;
    browser.photograph("checkout").await;
    assert_eq!(browser.read("#pay").await, "Pay $29.00");

    pay_with(&browser, DECLINED).await;
    assert_eq!(browser.read("[role=alert]").await, "Your card was declined.");
    browser.photograph("declined").await;
    assert_eq!(demo.granted(&tenant).await, json!([]));

    pay_with(&browser, PAYS).await;
    browser.arrive_at(&format!("{}/docs/?paid={}", demo.ready.url, checkout.session_id)).await;
    let told = live.until("invoice.paid").await;
    assert_eq!(
        told,
        [
            "checkout.completed",
            "subscription.created",
            "subscription.activated",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid"
        ]
    );
    let history = demo.history(&tenant).await;
    assert_eq!(
        history[..3],
        ["tenant.created", "tenant.customer_linked", "checkout.started"],
        "{history:?}"
    );
    assert_eq!(history[3..], told);

    let granted = demo.granted(&tenant).await;
    assert_eq!((&granted[0]["status"], &granted[0]["plan_id"]), (&json!("ACTIVE"), &json!("pro")));
    let brief = demo.text("/api/v1/billing/subscription", &tenant.tokens.viewer).await;
    assert!(brief.contains(r#""tier":"pro""#), "{brief}");
    assert!(brief.contains(r#""amount":29.00,"#), "exact decimals: {brief}");

    browser.open(&checkout.url).await;
    assert_eq!(browser.read("h2").await, "You have already paid");
    browser.photograph("paid").await;
    let invoices = demo.get("/api/v1/billing/invoices", &tenant.tokens.viewer).await;
    browser.open(invoices[0]["hosted_invoice_url"].as_str().unwrap()).await;
    browser.photograph("invoice").await;
    browser.open(&format!("{}/_sim/", demo.ready.simulator_url)).await;
    browser.photograph("simulator").await;
    browser.has_no_complaints().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_that_asks_is_answered_before_anything_is_granted() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(false);
    let checkout = demo.checkout(&tenant).await;
    let mut live = demo.listen(&tenant).await;
    let browser = Browser::start().await;

    browser.open(&checkout.url).await;
    pay_with(&browser, ASKS_THE_BANK).await;
    browser.find("#authenticate").await;
    browser.photograph("3d-secure").await;
    browser.press("#fail-authentication").await;
    let reason = browser.read("[role=alert]").await;
    assert!(reason.contains("unable to authenticate your payment method"), "{reason}");
    browser.photograph("3d-secure-failed").await;
    assert_eq!(demo.granted(&tenant).await, json!([]));

    pay_with(&browser, ASKS_THE_BANK).await;
    browser.press("#authenticate").await;
    browser.arrive_at(&format!("{}/docs/?paid={}", demo.ready.url, checkout.session_id)).await;
    live.until("invoice.paid").await;
    assert_eq!(demo.granted(&tenant).await[0]["status"], "ACTIVE");
    browser.has_no_complaints().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_walks_away_has_bought_nothing() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(false);
    let checkout = demo.checkout(&tenant).await;
    let browser = Browser::start().await;

    browser.open(&checkout.url).await;
    browser.press(".cancel").await;
    browser.arrive_at(&format!("{}/docs/?changed-my-mind", demo.ready.url)).await;
    assert_eq!(demo.granted(&tenant).await, json!([]));
    assert_eq!(
        demo.history(&tenant).await,
        ["tenant.created", "tenant.customer_linked", "checkout.started"]
    );
    demo.stop().await;
}

/// Fills in a test card by its button, as people do, and pays.
async fn pay_with(browser: &Browser, card: &str) {
    browser.press(&format!("button[value='{card}']")).await;
    browser.find(&format!("#card_number[value='{card}']")).await;
    browser.press("#pay").await;
}
