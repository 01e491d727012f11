//! The demo's time machine: a renewal that fails, grace, its end, and recovery, by its buttons alone.

use serde_json::json;

use tokio::time::timeout;

use crate::harness::{Browser, Demo, PATIENCE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_sees_a_payment_fail_and_recover() {
    let demo = Demo::start().await;
    let tenant = demo.tenant(true);
    let browser = Browser::start().await;
    browser.open(&tenant.pages).await;
    browser.see("#plan", "renews on").await;
    browser.see("#time-machine", "Move time or break a card").await;
    browser.examine("demo-time-machine").await;

    wish(&browser, "fails", "every charge of Cosmo Labs is declined").await;
    wish(&browser, "renewal", "The period of Cosmo Labs ended on").await;
    browser.see("#plan", "past due").await;
    browser.see("#plan", "grace").await;
    browser.see("#plan .alert", "You have access until").await;
    browser.see("#events", "failed").await;
    browser.examine("demo-past-due").await;
    for _ in 0..3 {
        wish(&browser, "day", "A day went by").await;
    }
    browser.see("#plan .alert", "You have no access until it is paid").await;
    browser.examine("demo-no-access").await;

    wish(&browser, "recovers", "has paid what was owed").await;
    browser.see("#plan", "active").await;
    browser.see("#plan", "full").await;
    wish(&browser, "renewal", "The period of Cosmo Labs ended on").await;
    browser.see("#plan", "active").await;
    browser.examine("demo-recovered").await;
    browser.has_no_complaints().await;

    let told = demo.history(&tenant).await;
    let order = [
        "subscription.renewed",
        "subscription.past_due",
        "subscription.grace_ended",
        "subscription.recovered",
    ];
    let places: Vec<_> =
        order.iter().map(|kind| told.iter().position(|told| told == kind)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{told:#?}");
    assert!(told.contains(&"invoice.payment_failed".to_owned()), "{told:#?}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_moves_time_for_whoever_is_looked_at() {
    let demo = Demo::start().await;
    let (paid, new) = (demo.tenant(true), demo.tenant(false));
    let browser = Browser::start().await;
    browser.open(&demo.ready.operator_pages).await;
    browser.see("#time-machine-tenant", &paid.name).await;
    wish(&browser, "renewal", &format!("The period of {} ended on", paid.name)).await;
    browser.see("#revenue", "MRR").await;
    browser.see("#events", "renewed").await;
    browser.examine("demo-overview").await;
    browser.open(&format!("{}/pages/tenants/{}", demo.ready.url, new.id)).await;
    wish(&browser, "renewal", &format!("{} has no subscription", new.name)).await;
    wish(&browser, "fails", "has bought nothing yet").await;
    assert!(browser.address().await.ends_with(&new.id), "one is led back");

    let before = browser.read("#time-machine strong").await;
    let clock = format!("{}/_sim/clock", demo.ready.simulator_url);
    demo.http.post(&clock, "", &json!({"advance_seconds": 86_400})).await;
    browser.open(&format!("{}/pages/overview", demo.ready.url)).await;
    let after = browser.read("#time-machine strong").await;
    assert_ne!(before[..10], after[..10], "the simulator's own buttons move the same clock");
    browser.has_no_complaints().await;
    demo.stop().await;
}

/// Presses a button, and waits until the panel says what was done.
async fn wish(browser: &Browser, word: &str, said: &str) {
    browser.send(&format!("#time-machine button[value={word}]")).await;
    let busy = "return document.querySelector('#time-machine[data-busy]') !== null";
    let done = async {
        while browser.run_script(busy).await == true {
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(4 * PATIENCE, done).await.is_ok(), "`{word}` never ends");
    browser.see("#time-machine [role=status]", said).await;
}
