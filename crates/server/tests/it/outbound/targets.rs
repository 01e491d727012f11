//! What may not be called, at the door and at every request.

use serde_json::json;
use tollhouse_server::{App, tasks};

use super::{ENDPOINTS, Receiver, deliveries, endpoint};
use crate::harness::{Database, Kind, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_on_the_public_internet_is_refused_at_the_door() {
    let database = Database::create(Kind::Sqlite).await;
    let app = TestApp::start_with(database, |config| config.outbound.private_targets.clear()).await;
    let operator = app.operator();
    for (url, reason) in [
        ("https://127.0.0.1/", "public internet"),
        ("https://127.1:8443/", "public internet"),
        ("https://0x7f.0.0.1/", "public internet"),
        ("https://169.254.169.254/latest/meta-data/", "public internet"),
        ("https://10.0.0.1/", "public internet"),
        ("https://100.64.0.1/", "public internet"),
        ("https://224.0.0.1/", "public internet"),
        ("https://[::1]/", "public internet"),
        ("https://[::ffff:169.254.169.254]/", "public internet"),
        ("https://[fe80::1]/", "public internet"),
        // A name that every machine resolves to itself.
        ("https://localhost/", "public internet"),
        ("https://LOCALHOST.:8443/", "public internet"),
        ("http://8.8.8.8/", "https://"),
        ("https://user:password@8.8.8.8/", "password"),
        ("https://8.8.8.8:25/", "port"),
        ("not a url", "must be a URL"),
    ] {
        let refused = app.post(ENDPOINTS).bearer(&operator).json(&json!({ "url": url })).await;
        let problem = refused.refused(422, "invalid_request");
        assert_eq!(problem["errors"][0]["field"], "url", "{url}");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{url}: {message}");
    }
    let good = json!({ "url": "https://8.8.8.8:8443/webhooks?token=a" });
    app.post(ENDPOINTS).bearer(&operator).json(&good).await.expect(201);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_allowed_once_is_checked_again_at_every_request() {
    let here = TestApp::start(Kind::Postgres).await;
    let receiver = Receiver::start().await;
    let made = endpoint(&here, &receiver).await;
    here.tenant("Acme").await;
    let mut config = here.app.config.clone();
    config.outbound.private_targets.clear();
    let strict = App::start(config, here.app.clock.clone(), None).await.unwrap();
    tasks::run_once(&strict).await.unwrap();
    assert!(receiver.messages().is_empty());
    let delivery = deliveries(&here, &made, "").await[0].clone();
    assert_eq!(delivery["reason"], "the URL must begin with `https://`");
    strict.db.close().await;
    here.finish().await;
}
