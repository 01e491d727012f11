//! The API's own description, and the signs of life.

use serde_json::json;

use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    async fn the_api_describes_itself_without_the_internet(app: &TestApp) {
        let document = app.get("/openapi.json").await.expect(200);
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        assert!(document["paths"].as_object().unwrap().len() >= 10);
        let page = app.get("/docs/").await;
        assert_eq!(page.status, 200);
        assert!(!page.text.contains("https://"), "nothing is fetched from elsewhere: {}", page.text);
    }

    async fn it_says_that_it_lives(app: &TestApp) {
        assert_eq!(app.get("/health/live").await.status, 200);
        let ready = app.get("/health/ready").await.expect(200);
        assert_eq!(ready, json!({
            "status": "ok", "database": app.app.db.kind(), "stripe_configured": true,
        }));
    }

    async fn a_request_keeps_its_id(app: &TestApp) {
        let given = app.get("/health/live").header("x-request-id", "from-the-proxy.7").await;
        assert_eq!(given.header("x-request-id"), "from-the-proxy.7");
        let nasty = app.get("/health/live").header("x-request-id", "a b\"c").await;
        assert_eq!(nasty.header("x-request-id").len(), 36, "replaced by one of ours");
    }
}
