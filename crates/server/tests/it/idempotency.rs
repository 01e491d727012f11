//! The same key gets the same answer, also after a crash.

use serde_json::json;
use tollhouse_domain::actor::Role;

use crate::harness::{CHECKOUT, TestApp, on_both_databases, order};

const TENANTS: &str = "/api/v1/stripe/tenants";

on_both_databases! {
    async fn the_same_key_gets_the_same_answer(app: &TestApp) {
        let operator = app.operator();
        let body = json!({"name": "Acme", "email": "ada@example.com"});
        let ask = || app.post(TENANTS).bearer(&operator).header("idempotency-key", "k").json(&body);
        let first = ask().await;
        let second = ask().await;
        assert_eq!(second.header("idempotent-replayed"), "true");
        assert_eq!(first.expect(201), second.expect(201));
        let page = app.get(TENANTS).bearer(&operator).await.expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), 1);
    }

    async fn the_same_key_with_another_body_is_refused(app: &TestApp) {
        let operator = app.operator();
        let ask = |name: &str| {
            let body = json!({"name": name, "email": "ada@example.com"});
            app.post(TENANTS).bearer(&operator).header("idempotency-key", "k").json(&body)
        };
        ask("Acme").await.expect(201);
        ask("Birch").await.refused(422, "idempotency_key_reused");
        let too_long = "k".repeat(256);
        app.post(TENANTS).bearer(&operator).header("idempotency-key", &too_long).json(&json!({})).await
            .refused(422, "invalid_request");
    }

    async fn keys_of_two_callers_do_not_meet(app: &TestApp) {
        let (acme, birch) = (app.tenant("Acme").await, app.tenant("Birch").await);
        for tenant in [acme, birch] {
            // Both tokens have the same subject; only the tenant differs.
            let owner = app.token(Role::Owner, tenant);
            let page = app.post(CHECKOUT).bearer(&owner).header("idempotency-key", "k").json(&order("pro")).await;
            assert_eq!(page.header("idempotent-replayed"), "");
            page.expect(200);
        }
        assert_eq!(app.simulator.objects("customer").len(), 2);
    }

    async fn one_key_at_once_runs_once(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        let body = order("pro");
        let ask = || async {
            app.post(CHECKOUT).bearer(&owner).header("idempotency-key", "k").json(&body).await.status
        };
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        for status in [a, b, c] {
            assert!(matches!(status, 200 | 409), "{status}");
        }
        assert_eq!(app.simulator.objects("checkout.session").len(), 1);
    }
}
