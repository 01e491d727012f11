//! What a billing owner does with a subscription.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use crate::harness::{Answer, TestApp, on_both_databases};

async fn ask(app: &TestApp, tenant: TenantId, verb: &str, body: &Value) -> Answer {
    let admin = app.token(Role::Admin, tenant);
    let path = format!("/api/v1/billing/tenants/{tenant}/subscription/{verb}");
    app.post(&path).bearer(&admin).json(body).await
}

on_both_databases! {
    async fn an_end_at_the_period_end_can_be_taken_back(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let end = json!({"at": "period_end", "reason": "too_expensive", "comment": "Maybe next year"});
        let ending = ask(app, tenant, "cancel", &end).await.expect(200);
        assert_eq!(ending["auto_renew"], false);
        assert_eq!(ending["cancel_at"], "2026-12-20T12:00:00Z");
        assert_eq!(ending["access"], "full", "until then everything stays");
        let going_on = ask(app, tenant, "resume", &json!({})).await.expect(200);
        assert_eq!((&going_on["auto_renew"], &going_on["cancel_at"]), (&json!(true), &Value::Null));
        ask(app, tenant, "resume", &json!({})).await.expect(200);
        app.settle().await;
        let history = app.history(tenant).await;
        assert_eq!(history[history.len() - 2..], ["subscription.cancel_scheduled", "subscription.cancel_revoked"]);
    }

    async fn an_end_that_comes_ends_access(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        ask(app, tenant, "cancel", &json!({"at": "period_end"})).await.expect(200);
        app.advance(29 * 86_400).await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
        app.advance(2 * 86_400).await;
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        assert_eq!(app.history(tenant).await.last().unwrap(), "subscription.canceled");
        ask(app, tenant, "resume", &json!({})).await.refused(409, "not_subscribed");
    }

    async fn an_end_now_is_now(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let over = ask(app, tenant, "cancel", &json!({"at": "now"})).await.expect(200);
        assert_eq!((&over["status"], &over["access"]), (&json!("canceled"), &json!("none")));
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]), "before any webhook came");
        ask(app, tenant, "cancel", &json!({"at": "now"})).await.refused(409, "not_subscribed");
        app.settle().await;
        app.subscribe(tenant, "enterprise").await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["plan_id"], "enterprise");
    }

    async fn the_portals_way_of_ending_is_seen_and_taken_back_too(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let subscription = app.simulator.objects("subscription")[0].clone();
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        let end = "1797768000"; // 2026-12-20T12:00:00Z
        app.stripe("POST", &path, &[("cancel_at", end), ("proration_behavior", "none")]).await;
        app.settle().await;
        let viewer = app.token(Role::Viewer, tenant);
        let shown = format!("/api/v1/billing/tenants/{tenant}/subscription");
        assert_eq!(app.get(&shown).bearer(&viewer).await.expect(200)["auto_renew"], false);
        let going_on = ask(app, tenant, "resume", &json!({})).await.expect(200);
        assert_eq!(going_on["auto_renew"], true);
    }

    async fn who_may_end_it_and_how(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription/cancel");
        for role in [Role::Viewer, Role::Member] {
            app.post(&path).bearer(&app.token(role, tenant)).await.refused(403, "forbidden");
        }
        for (body, field) in [
            (json!({}), "at"),
            (json!({"at": "tomorrow"}), "at"),
            (json!({"at": "now", "reason": "boredom"}), "reason"),
            (json!({"at": "now", "when": "now"}), "when"),
        ] {
            let problem = ask(app, tenant, "cancel", &body).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field);
        }
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
    }
}
