//! The documentation of the API, in a browser, under a name that is not this machine's.

use serde_json::Value;

use crate::harness::{Browser, Demo};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_documents_itself() {
    loads_nothing_from_elsewhere("127.0.0.1").await;
}

/// Pages may behave on `localhost` as they do nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_documents_itself_under_another_name() {
    loads_nothing_from_elsewhere("billing.example").await;
}

async fn loads_nothing_from_elsewhere(host: &str) {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    let site = demo.ready.url.replace("127.0.0.1", host);

    browser.open(&format!("{site}/docs/")).await;
    let checkout = "[data-path='/api/v1/customer/billing/checkout-session']";
    assert_eq!(browser.read(checkout).await, "/api/v1/customer/billing/checkout-session");
    browser.photograph("docs").await;

    let loaded = browser
        .run_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        .await;
    let loaded = loaded.as_array().unwrap();
    assert!(loaded.iter().any(|url| url == &Value::String(format!("{site}/openapi.json"))));
    let foreign = |url: &&Value| {
        let url = url.as_str().unwrap();
        !url.starts_with(&site) && !url.starts_with("data:")
    };
    assert_eq!(loaded.iter().filter(foreign).collect::<Vec<_>>(), [&Value::Null; 0]);
    browser.has_no_complaints().await;
    demo.stop().await;
}
