//! Who may read the metrics, and that they tell nothing of anybody.

use serde_json::json;
use tollhouse_domain::actor::Role;

use super::key;
use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    async fn staff_and_keys_made_for_it_may_read_them(app: &TestApp) {
        let tenant = app.subscriber("Victim", "pro").await;
        for (name, credential, status) in [
            ("operator", app.operator(), 200),
            ("support", app.sign(Role::Support, None), 200),
            ("its scope", key(app, "metrics:read").await, 200),
            ("admin", key(app, "admin").await, 200),
            ("another scope", key(app, "tenants:write").await, 403),
            ("an owner", app.token(Role::Owner, tenant), 403),
            ("a forged one", "th_0badc0de".to_owned(), 401),
        ] {
            let answer = app.get("/metrics").bearer(&credential).await;
            assert_eq!(answer.status, status, "{name}: {}", answer.text);
        }
        app.get("/metrics").await.refused(401, "unauthenticated");
    }

    async fn a_key_made_for_it_may_do_nothing_else(app: &TestApp) {
        let tenant = app.subscriber("Victim", "pro").await;
        let key = key(app, "metrics:read").await;
        for path in [
            "/api/v1/admin/audit".to_owned(),
            "/api/v1/admin/deliveries".to_owned(),
            format!("/api/v1/billing/tenants/{tenant}/subscription"),
            format!("/api/v1/billing/tenants/{tenant}/entitlements"),
        ] {
            app.get(&path).bearer(&key).await.refused(403, "forbidden");
        }
        let check = format!("/api/v1/billing/tenants/{tenant}/entitlements/api_calls/check");
        app.post(&check).bearer(&key).json(&json!({})).await.refused(403, "forbidden");
    }

    async fn they_name_no_tenant_and_no_stranger_s_word(app: &TestApp) {
        let tenant = app.subscriber("Victim", "pro").await;
        app.get(&format!("/nowhere/{tenant}?token=very-secret")).await.refused(404, "not_found");
        app.call("BREW", "/health/live").await.refused(405, "method_not_allowed");
        let text = app.get("/metrics").bearer(&app.operator()).await.text;
        let customer = app.simulator.objects("customer")[0]["id"].as_str().unwrap().to_owned();
        for word in [&tenant.to_string(), &customer, "Victim", "victim@", "nowhere", "very-secret", "BREW"] {
            assert!(!text.contains(word), "{word} is told");
        }
        assert!(text.contains("route=\"unmatched\"") && text.contains("method=\"other\""), "{text}");
    }
}
