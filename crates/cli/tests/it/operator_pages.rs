//! An operator looks at the pages in a browser, and presses every button.

use serde_json::json;

use crate::harness::{Browser, Demo};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_the_pages_and_nothing_else_does() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    let url = &demo.ready.url;

    browser.open(&format!("{url}/pages/tenants?status=active")).await;
    browser
        .arrive_at(&format!("{url}/pages/sign-in?next=%2Fpages%2Ftenants%3Fstatus%3Dactive"))
        .await;
    browser.examine("pages-sign-in").await;
    browser.fill("#token", &demo.ready.operator_token).await;
    browser.press("button").await;
    browser.arrive_at(&format!("{url}/pages/tenants?status=active")).await;
    browser.has_no_complaints().await;

    browser.press(".leave button").await;
    browser.arrive_at(&format!("{url}/pages/sign-in")).await;
    browser.fill("#token", "not a token").await;
    browser.press("button").await;
    browser.see("[role=alert]", "The token is no JWT").await;
    browser.open(&format!("{url}/pages/overview")).await;
    browser.arrive_at(&format!("{url}/pages/sign-in?next=%2Fpages%2Foverview")).await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_and_changes_a_tenant() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(true);
    let browser = Browser::start().await;
    browser.open(&demo.ready.operator_pages).await;
    browser.arrive_at(&format!("{}/pages/overview", demo.ready.url)).await;
    browser.see("#figures", "active").await;
    browser.see("#events", &tenant.name).await;
    browser.examine("pages-overview").await;

    browser.press("a[href='/pages/tenants']").await;
    browser.fill("#text", &tenant.name).await;
    browser.press(".search button").await;
    browser.see("tbody", "pro").await;
    browser.examine("pages-tenants").await;
    browser.press("tbody a").await;
    browser.see("#subscription", "$29.00 a month").await;
    browser.see("#usage", "API calls this month").await;
    browser.see("#invoices", "paid").await;
    browser.examine("pages-tenant").await;

    browser.choose("#plan", "enterprise").await;
    browser.send("#change-plan button").await;
    browser.see("#subscription", "Enterprise").await;
    browser.send("#replay button").await;
    browser.see("#audit", "subscription.change").await;
    browser.fill("#reason", "A card that nobody believes").await;
    browser.press("#suspend button").await;
    browser.see("#facts", "A card that nobody believes").await;
    browser.see("#subscription", "none").await;
    browser.examine("pages-tenant-suspended").await;
    assert_eq!(demo.granted(&tenant).await, json!([]));
    browser.press("#reactivate button").await;
    browser.see("#facts", "active").await;
    browser.find("#suspend").await;
    browser.has_no_complaints().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_follows_what_happens() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(true);
    let browser = Browser::start().await;
    browser.open(&demo.ready.operator_pages).await;
    browser.open(&format!("{}/pages/tenants/{}", demo.ready.url, tenant.id)).await;
    browser.see("#live", "Live").await;
    browser.run_script("window.still = true").await;

    let path = format!("{}/api/v1/stripe/tenants/{}/suspend", demo.ready.url, tenant.id);
    let body = json!({"reason": "Told by the application"});
    demo.http.post(&path, &demo.ready.operator_token, &body).await;
    browser.see("#facts", "Told by the application").await;
    browser.see("#events", "was suspended").await;
    assert_eq!(browser.run_script("return window.still").await, true, "without a reload");
    browser.has_no_complaints().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_shown_as_it_came_and_replayed() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.open(&demo.ready.operator_pages).await;
    browser.press("a[href='/pages/deliveries']").await;
    browser.choose("#state", "done").await;
    browser.press(".search button").await;
    browser.see("tbody", "customer.subscription.created").await;
    browser.examine("pages-deliveries").await;
    browser.press("tbody a").await;
    browser.see(".facts", "1, worked").await;
    browser.see(".payload", "\"object\": \"event\"").await;
    browser.examine("pages-delivery").await;
    browser.send("main form button").await;
    let audit = demo.get("/api/v1/admin/audit?limit=1", &demo.ready.operator_token).await;
    let replayed = (&audit["data"][0]["action"], audit["data"][0]["subject_id"].as_str().unwrap());
    assert_eq!(replayed.0, "delivery.replay");
    assert!(browser.address().await.ends_with(replayed.1), "one is led back to {}", replayed.1);
    browser.has_no_complaints().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_what_is_sold_what_happened_and_who_did_it() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.open(&demo.ready.operator_pages).await;
    browser.press("a[href='/pages/events']").await;
    browser.see("#events", "was paid").await;
    browser.examine("pages-events").await;
    browser.press("a[href='/pages/catalog']").await;
    browser.see("main", "Nothing: Stripe has every price.").await;
    browser.see("main", "pro_v1_month_usd").await;
    browser.examine("pages-catalog").await;
    browser.press("a[href='/pages/drift']").await;
    browser.send("#compare").await;
    browser.see(".facts", "full").await;
    browser.examine("pages-drift").await;
    browser.press("a[href='/pages/keys']").await;
    browser.fill("#name", "usage importer").await;
    browser.press("input[name='scope usage:write']").await;
    browser.send("#make button").await;
    browser.see("#key", "th_").await;
    let key = browser.read("#key").await;
    browser.press("main a.button").await;
    browser.see("tbody", "usage importer").await;
    browser.see("tbody", "never used").await;
    let tenant = demo.tenant(true);
    let path = format!("{}/api/v1/billing/tenants/{}/usage", demo.ready.url, tenant.id);
    let report = json!({"meter": "api_calls", "quantity": 90_000, "idempotency_key": "by key"});
    demo.http.post(&path, &key, &report).await;
    browser.press("button[aria-label='Revoke usage importer']").await;
    browser.see("tbody", "revoked").await;
    browser.examine("pages-keys").await;
    browser.press("a[href='/pages/audit']").await;
    browser.see("tbody", "api_key.revoke").await;
    browser.examine("pages-audit").await;
    browser.has_no_complaints().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_finds_subscriptions_invoices_usage_and_health() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(true);
    let path = format!("{}/api/v1/billing/tenants/{}/usage", demo.ready.url, tenant.id);
    for (meter, quantity) in [("api_calls", 92_000), ("inference", 585)] {
        let report = json!({"meter": meter, "quantity": quantity, "idempotency_key": meter});
        demo.http.post(&path, &tenant.tokens.member, &report).await;
    }
    let browser = Browser::start().await;
    browser.open(&demo.ready.operator_pages).await;
    browser.press("a[href='/pages/subscriptions']").await;
    browser.see("tbody", "renews").await;
    browser.examine("pages-subscriptions").await;
    browser.choose("#state", "canceled").await;
    browser.press(".search button").await;
    browser.see("main", "No subscription is like that.").await;
    browser.choose("#state", "active").await;
    browser.choose("#plan", "pro").await;
    browser.fill("#text", &tenant.name).await;
    browser.press(".search button").await;
    browser.see("tbody", "$29.00").await;
    browser.press("tbody a").await;
    browser.see("h1", &tenant.name).await;

    browser.press("a[href='/pages/invoices']").await;
    browser.choose("#state", "paid").await;
    browser.press(".search button").await;
    browser.see("tbody", "$29.00").await;
    browser.examine("pages-invoices").await;
    browser.press("tbody a[href^='/pages/tenants/']").await;
    browser.see("h1", &tenant.name).await;

    browser.press("a[href='/pages/usage']").await;
    browser.see("tbody", "92,000").await;
    browser.see(".bars", "92,000 of 100,000").await;
    browser.examine("pages-usage").await;

    browser.press("a[href='/pages/health']").await;
    browser.see("tbody", "Stripe answers, and knows the key.").await;
    browser.see("tbody", "work deliveries").await;
    browser.see("#summary", "All is well.").await;
    browser.examine("pages-health").await;
    browser.has_no_complaints().await;
    demo.stop().await;
}
