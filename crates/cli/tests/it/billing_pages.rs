//! A tenant's billing owner looks at the pages in a browser: buys, uses, changes, cancels, and thinks again.

use serde_json::json;

use crate::harness::{Browser, Demo};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_chooses_a_plan_and_pays() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(false);
    let browser = Browser::start().await;
    browser.open(&tenant.pages).await;
    browser.arrive_at(&format!("{}/pages/billing", demo.ready.url)).await;
    browser.see("#plan", "You have no subscription").await;
    browser.examine("billing-without-plan").await;

    browser.press("#plan a.button").await;
    browser.see("main", "$29.00 a month").await;
    browser.examine("billing-plans").await;
    browser.choose("#interval-pro", "month").await;
    browser.press("button[aria-label='Buy Pro']").await;
    browser.press("button[value='4242424242424242']").await;
    browser.find("#card_number[value='4242424242424242']").await;
    browser.press("#pay").await;
    browser.arrive_at(&format!("{}/pages/billing", demo.ready.url)).await;
    browser.see("#plan", "$29.00 a month").await;
    browser.see("#invoices", "paid").await;
    browser.see("#events", "was paid").await;
    browser.has_no_complaints().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_used_is_seen_beside_its_limit() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(true);
    let path = format!("{}/api/v1/billing/tenants/{}/usage", demo.ready.url, tenant.id);
    for (meter, quantity) in [("api_calls", 42_000), ("inference", 585)] {
        let report = json!({"meter": meter, "quantity": quantity, "idempotency_key": meter});
        demo.http.post(&path, &tenant.tokens.member, &report).await;
    }
    let browser = Browser::start().await;
    browser.open(&tenant.pages).await;
    browser.see("#usage", "42,000 of 100,000").await;
    browser.see("#usage .plot", "at most 42,000 a day").await;
    browser.see("#credits", "42,085, $84.17").await;
    browser.see("#included", "500 credits").await;
    browser.examine("billing").await;
    browser.has_no_complaints().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_knows_the_exact_amount_before_changing() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(true);
    let browser = Browser::start().await;
    browser.open(&tenant.pages).await;
    browser.press("#plan a.button").await;
    browser.choose("#interval-enterprise", "month").await;
    browser.fill("#seats-enterprise", "3").await;
    browser.examine("billing-change").await;
    browser.press("button[aria-label='See what Enterprise costs']").await;
    let due = browser.read("#due").await;
    assert!(due.starts_with("$1"), "three seats at $49, less the rest of $29: {due}");
    browser.examine("billing-preview").await;
    browser.press("#confirm").await;
    browser.see("#plan", "Enterprise").await;
    browser.see("#plan", "$147.00 a month").await;
    browser.see("#invoices", &due).await;

    browser.open(&format!("{}/pages/billing/plan", demo.ready.url)).await;
    browser.press("button[aria-label='Add Extra storage']").await;
    browser.press("button[value='4242424242424242']").await;
    browser.find("#card_number[value='4242424242424242']").await;
    browser.press("#pay").await;
    browser.see("#plan", "extra_storage × 1").await;
    browser.open(&format!("{}/pages/billing/plan", demo.ready.url)).await;
    browser.press("button[aria-label='End extra_storage']").await;
    browser.see("#plan", "ends on").await;
    browser.has_no_complaints().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_cancels_with_a_reason_and_thinks_again() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(true);
    let browser = Browser::start().await;
    browser.open(&tenant.pages).await;
    browser.press("a[href='/pages/billing/cancel']").await;
    browser.choose("#reason", "too_expensive").await;
    browser.fill("#comment", "We will be back in spring").await;
    browser.examine("billing-cancel").await;
    browser.press("#cancel button").await;
    browser.see("#plan", "ends on").await;
    browser.press("#resume").await;
    browser.see("#plan", "renews on").await;

    browser.press("nav a[href='/pages/billing/cards']").await;
    browser.see("main", "This one is charged").await;
    browser.examine("billing-cards").await;
    browser.press("#portal").await;
    browser.see("body", "4242").await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_finds_no_buttons() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(true);
    let browser = Browser::start().await;
    let url = &demo.ready.url;
    browser.open(&format!("{url}/pages/enter?token={}", tenant.tokens.viewer)).await;
    browser.see("#plan", "$29.00 a month").await;
    let buttons = "return document.querySelectorAll('main form, main a.button').length";
    assert_eq!(browser.run_script(buttons).await, 0);
    browser.has_no_complaints().await;
    browser.open(&format!("{url}/pages/overview")).await;
    browser.see("h1", "Not allowed").await;
    browser.open(&format!("{url}/pages/billing/cancel")).await;
    browser.see("h1", "Not allowed").await;
    demo.stop().await;
}
