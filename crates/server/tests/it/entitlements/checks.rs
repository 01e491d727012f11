//! What is allowed, and why not.

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;
use tollhouse_server::catalog::{actions::load, file};

use super::{check, grant, may, path, used};
use crate::{
    harness::{CATALOG, TestApp, on_both_databases},
    usage::load_meters,
};

const DAY: i64 = 86_400;

fn said(allowed: bool, reason: &str) -> (bool, String) {
    (allowed, reason.to_owned())
}

on_both_databases! {
    async fn a_hard_limit_refuses_and_begins_anew(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        used(app, tenant, "api_calls", json!(60)).await;
        assert_eq!(check(app, tenant, "api_calls", json!(40)).await, json!({
            "feature": "api_calls", "allowed": true, "reason": "within_limit", "value": null,
            "limit": 100, "per": "day", "hard": true, "used": 60, "held": 0, "remaining": 40,
            "resets_at": "2026-11-21T00:00:00Z", "access": "full",
        }));
        let refused = check(app, tenant, "api_calls", json!("40.5")).await;
        assert_eq!((&refused["allowed"], &refused["reason"]), (&json!(false), &json!("limit_reached")));
        // What was used, was used.
        used(app, tenant, "api_calls", json!(60)).await;
        let refused = check(app, tenant, "api_calls", json!(0)).await;
        assert_eq!((&refused["allowed"], &refused["used"], &refused["remaining"]), (&json!(false), &json!(120), &json!(0)));
        app.advance(DAY).await;
        assert_eq!(may(app, tenant, "api_calls", 100).await, said(true, "within_limit"));
    }

    async fn a_soft_limit_allows_and_says_so(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        used(app, tenant, "api_calls", json!(100_000)).await;
        let answer = check(app, tenant, "api_calls", json!(1)).await;
        assert_eq!((&answer["allowed"], &answer["reason"], &answer["hard"]), (&json!(true), &json!("over_soft_limit"), &json!(false)));
        assert_eq!((&answer["per"], &answer["resets_at"]), (&json!("month"), &json!("2026-12-01T00:00:00Z")));
    }

    async fn every_kind_of_limit_counts_its_own_time(app: &TestApp) {
        load_meters(app).await;
        let tenant = app.subscriber("Acme", "pro").await;
        let limits = [("requests", "minute"), ("inference", "day"), ("embedding", "month"), ("api_calls", "period"), ("storage_gb", "gauge"), ("peak", "day"), ("people", "minute")]
            .map(|(meter, per)| json!({"meter": meter, "per": per, "max": 5, "hard": true}));
        grant(app, tenant, json!({"limits": limits})).await;
        for meter in ["inference", "embedding", "api_calls", "storage_gb", "peak"] {
            used(app, tenant, meter, json!(5)).await;
        }
        let member = app.token(Role::Member, tenant);
        for person in 0..5 {
            for body in [json!({"meter": "requests"}), json!({"meter": "people", "properties": {"person": person}})] {
                app.post(&path(tenant, "usage")).bearer(&member).json(&body).await.expect(202);
            }
        }
        let refused = ["inference", "embedding", "api_calls", "storage_gb"];
        for meter in refused {
            assert_eq!(may(app, tenant, meter, 1).await, said(false, "limit_reached"), "{meter}");
        }
        for meter in ["requests", "people"] {
            assert_eq!(may(app, tenant, meter, 1).await, said(false, "rate_limited"), "{meter}");
        }
        assert_eq!(check(app, tenant, "requests", json!(1)).await["resets_at"], "2026-11-20T12:01:00Z");
        assert_eq!((may(app, tenant, "peak", 5).await.0, may(app, tenant, "peak", 6).await.0), (true, false));
        // A minute, a day, a month and a billing period later; a present value stays.
        app.advance(60).await;
        assert_eq!((may(app, tenant, "requests", 5).await.0, may(app, tenant, "people", 5).await.0), (true, true));
        for (seconds, freed) in [(DAY, "inference"), (11 * DAY, "embedding"), (20 * DAY, "api_calls")] {
            assert!(!may(app, tenant, freed, 1).await.0, "{freed}");
            app.advance(seconds).await;
            assert!(may(app, tenant, freed, 5).await.0, "{freed}");
        }
        assert_eq!(may(app, tenant, "storage_gb", 1).await, said(false, "limit_reached"));
        assert_eq!(check(app, tenant, "storage_gb", json!(1)).await["resets_at"], Value::Null);
        used(app, tenant, "storage_gb", json!(1)).await;
        assert_eq!((may(app, tenant, "storage_gb", 4).await.0, may(app, tenant, "storage_gb", 5).await.0), (true, false));
    }

    async fn features_are_what_plans_and_addons_say_together(app: &TestApp) {
        let more = CATALOG.replace("code = \"extra_storage\"", "code = \"extra_storage\"\nversion = 2")
            .replace("addon_of = [\"pro\", \"enterprise\"]\n", "addon_of = [\"pro\", \"enterprise\"]\n\
                [plan.features]\nsso = true\nretention_days = 30\n");
        load(&app.app, &file::parse(&more).unwrap(), &[].into()).await.unwrap();
        tollhouse_server::catalog::push::push(&app.app).await.unwrap();
        let tenant = app.subscriber("Acme", "enterprise").await;
        assert_eq!(may(app, tenant, "sso", 1).await, said(true, "included"));
        assert_eq!((may(app, tenant, "retention_days", 365).await.0, may(app, tenant, "retention_days", 366).await.0), (true, false));
        assert_eq!(check(app, tenant, "support", json!(1)).await["value"], "24/7");
        // Nothing limits storage, until an add-on does.
        assert_eq!(may(app, tenant, "storage_gb", 500).await, said(true, "included"));
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.expect(201);
        app.settle().await;
        let answer = check(app, tenant, "retention_days", json!(395)).await;
        assert_eq!((&answer["allowed"], &answer["value"], &answer["limit"]), (&json!(true), &json!(395), &json!(395)));
        assert_eq!((may(app, tenant, "storage_gb", 100).await.0, may(app, tenant, "storage_gb", 101).await.0), (true, false));

        let free = app.tenant("Birch").await;
        assert_eq!(may(app, free, "sso", 1).await, said(false, "not_in_plan"));
        assert_eq!(may(app, free, "retention_days", 1).await, said(false, "not_in_plan"));
        grant(app, free, json!({"features": {"sso": true, "beta": "early"}})).await;
        assert_eq!(may(app, free, "sso", 1).await, said(true, "included"));
        let viewer = app.token(Role::Viewer, free);
        let all = app.get(&path(free, "entitlements")).bearer(&viewer).await.expect(200);
        assert_eq!((&all["access"], &all["access_until"]), (&json!("full"), &Value::Null));
        let features: Vec<(&str, bool)> = all["features"].as_array().unwrap().iter()
            .map(|of| (of["feature"].as_str().unwrap(), of["allowed"].as_bool().unwrap())).collect();
        assert_eq!(features, [("api_calls", true), ("beta", true), ("embedding", true), ("inference", true), ("sso", true), ("storage_gb", true), ("support", true)]);
    }

    async fn grace_suspension_and_no_access_are_respected(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.expect(201);
        app.settle().await;
        assert_eq!(check(app, tenant, "support", json!(1)).await["access"], "full");
        app.break_the_card().await;
        app.advance(31 * DAY).await;
        let answer = check(app, tenant, "support", json!(1)).await;
        assert_eq!((&answer["access"], &answer["allowed"]), (&json!("grace"), &json!(true)));
        let viewer = app.token(Role::Viewer, tenant);
        let all = app.get(&path(tenant, "entitlements")).bearer(&viewer).await.expect(200);
        assert!(all["access_until"].is_string());
        app.advance(4 * DAY).await;
        for feature in ["support", "api_calls", "storage_gb"] {
            let answer = check(app, tenant, feature, json!(1)).await;
            assert_eq!((&answer["access"], &answer["reason"], &answer["limit"]), (&json!("none"), &json!("no_access"), &Value::Null), "{feature}");
        }
        let other = app.tenant("Birch").await;
        let suspend = format!("/api/v1/stripe/tenants/{other}/suspend");
        app.post(&suspend).bearer(&app.operator()).json(&json!({"reason": "did not answer"})).await.expect(200);
        assert_eq!(may(app, other, "api_calls", 1).await, said(false, "tenant_not_active"));
        let all = app.get(&path(other, "entitlements")).bearer(&app.operator()).await.expect(200);
        assert_eq!((&all["access"], &all["reason"]), (&json!("none"), &json!("tenant_not_active")));
    }

    async fn without_a_subscription_and_a_free_plan_nothing_is_granted(app: &TestApp) {
        let (_, rest) = CATALOG.split_once("code = \"free\"").unwrap();
        let (_, sold) = rest.split_once("[[plan]]").unwrap();
        let (meters, _) = CATALOG.split_once("[[plan]]").unwrap();
        load(&app.app, &file::parse(&format!("{meters}[[plan]]{sold}")).unwrap(), &[].into()).await.unwrap();
        let tenant = app.tenant("Acme").await;
        for feature in ["support", "api_calls"] {
            assert_eq!(may(app, tenant, feature, 1).await, said(false, "not_subscribed"), "{feature}");
        }
    }

    async fn odd_questions_are_refused(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let viewer = app.token(Role::Viewer, tenant);
        let ask = |feature: &str, body: &str| {
            let path = path(tenant, &format!("entitlements/{feature}/check"));
            app.post(&path).bearer(&viewer).text(body)
        };
        // Only enterprise knows it: an answer. Nobody knows it: a typo.
        assert_eq!(ask("retention_days", "").await.expect(200)["reason"], "not_in_plan");
        for unknown in ["retention_dais", "%00", "%FF", "a%2Fb"] {
            ask(unknown, "{}").await.refused(404, "not_found");
        }
        for (body, field) in [
            (r#"{"quantity": -1}"#, "quantity"),
            (r#"{"quantity": "many"}"#, "quantity"),
            (r#"{"quantity": 0.0000000000001}"#, "quantity"),
            (r#"{"amount": 1}"#, "amount"),
        ] {
            let problem = ask("api_calls", body).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{body}");
        }
        let nobody = app.app.clock.new_id();
        for tenant in [nobody.to_string(), "acme".to_owned()] {
            let path = format!("/api/v1/billing/tenants/{tenant}/entitlements");
            app.get(&path).bearer(&app.operator()).await.refused(404, "not_found");
        }
    }

    async fn what_a_tenant_has_alone_is_shown_beside_usage_too(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let limits = [("api_calls", "day", 7), ("inference", "month", 9)]
            .map(|(meter, per, max)| json!({"meter": meter, "per": per, "max": max, "hard": true}));
        grant(app, tenant, json!({"limits": limits})).await;
        let track = format!("/api/v1/stripe/tenants/{tenant}/usage/track");
        let tracked = app.post(&track).bearer(&app.operator()).json(&json!({"api_calls": 8})).await.expect(200);
        let shown: Vec<_> = tracked["usage"].as_array().unwrap().iter()
            .map(|of| (of["meter"].as_str().unwrap(), of["limit"].as_u64().unwrap(), of["exceeded"].as_bool().unwrap())).collect();
        assert_eq!(shown, [("api_calls", 7, true), ("inference", 9, false)]);
        assert_eq!(may(app, tenant, "api_calls", 1).await, said(false, "limit_reached"));
    }

    /// An API key that may only ask, asks; and asking changes nothing.
    async fn a_key_for_asking_asks(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let body = json!({"name": "gate", "scopes": ["entitlements:read"], "tenant_id": tenant});
        let key = app.post("/api/v1/admin/api-keys").bearer(&app.operator()).json(&body).await.expect(201);
        let key = key["key"].as_str().unwrap();
        let history = app.history(tenant).await;
        app.get(&path(tenant, "entitlements")).bearer(key).await.expect(200);
        app.post(&path(tenant, "entitlements/api_calls/check")).bearer(key).await.expect(200);
        app.post(&path(tenant, "usage")).bearer(key).text("{}").await.refused(403, "forbidden");
        assert_eq!(app.history(tenant).await, history);
    }
}
