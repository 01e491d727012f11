//! Usage alerts: once for each crossing and window; and who exceeds limits.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_server::tasks;

use crate::{
    entitlements::{grant, limit, path, used},
    harness::{Answer, TestApp, on_both_databases},
};

const DAY: i64 = 86_400;

async fn alert(app: &TestApp, tenant: TenantId, body: Value) -> Answer {
    let admin = app.token(Role::Admin, tenant);
    app.post(&path(tenant, "usage-alerts")).bearer(&admin).json(&body).await
}

/// What was told, oldest first: threshold, used and the window.
async fn told(app: &TestApp, tenant: TenantId) -> Vec<(String, String, Value)> {
    let viewer = app.token(Role::Viewer, tenant);
    let events = path(tenant, "events?type=usage.alert&limit=100");
    let page = app.get(&events).bearer(&viewer).await.expect(200);
    let one = |event: &Value| {
        let data = &event["data"];
        (data["threshold"].to_string(), data["used"].to_string(), data["window_start"].clone())
    };
    page["data"].as_array().unwrap().iter().rev().map(one).collect()
}

fn said(threshold: &str, used: &str, window: &str) -> (String, String, Value) {
    (threshold.to_owned(), used.to_owned(), json!(window))
}

async fn exceeding(app: &TestApp, query: &str) -> Value {
    let path = format!("/api/v1/stripe/tenants/exceeding-limits{query}");
    app.get(&path).bearer(&app.operator()).await.expect(200)
}

on_both_databases! {
    async fn each_threshold_is_told_once_in_a_day(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        for body in [
            json!({"meter": "api_calls", "per": "day", "percent": 80}),
            json!({"meter": "api_calls", "per": "day", "percent": 100}),
            json!({"meter": "api_calls", "per": "day", "quantity": 130.5}),
            // No limit per month, so no share of it.
            json!({"meter": "api_calls", "per": "month", "percent": 1}),
        ] {
            alert(app, tenant, body).await.expect(201);
        }
        used(app, tenant, "api_calls", json!(79)).await;
        app.settle().await;
        assert_eq!(told(app, tenant).await, []);
        used(app, tenant, "api_calls", json!(1)).await;
        // Two instances look at the same moment.
        let (a, b) = tokio::join!(tasks::run_once(&app.app), tasks::run_once(&app.app));
        a.unwrap();
        b.unwrap();
        app.settle().await;
        let day = "2026-11-20T00:00:00Z";
        assert_eq!(told(app, tenant).await, [said("80", "80", day)]);
        used(app, tenant, "api_calls", json!(60)).await;
        app.settle().await;
        app.settle().await;
        let mut all = told(app, tenant).await;
        assert_eq!(all, [said("80", "80", day), said("100", "140", day), said("130.5", "140", day)]);
        let page = app.get(&path(tenant, "events?type=usage.alert&limit=1")).bearer(&app.operator()).await.expect(200);
        assert_eq!(page["data"][0]["data"], json!({
            "meter": "api_calls", "per": "day", "percent": null, "threshold": 130.5, "limit": null, "used": 140, "window_start": day,
        }));
        // Another day begins from nothing.
        app.advance(DAY).await;
        assert_eq!(told(app, tenant).await, all);
        used(app, tenant, "api_calls", json!(90)).await;
        app.settle().await;
        all.push(said("80", "90", "2026-11-21T00:00:00Z"));
        assert_eq!(told(app, tenant).await, all);
    }

    async fn what_was_used_in_the_last_moment_is_told_too(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        limit(app, tenant, "inference", "period", 10).await;
        alert(app, tenant, json!({"meter": "inference", "percent": 100})).await.expect(201);
        app.advance(30 * DAY - 1).await;
        used(app, tenant, "inference", json!(10)).await;
        app.advance(1).await;
        let (old, new) = ("2026-11-20T12:00:00Z", "2026-12-20T12:00:00Z");
        assert_eq!(told(app, tenant).await, [said("10", "10", old)]);
        used(app, tenant, "inference", json!(11)).await;
        app.settle().await;
        assert_eq!(told(app, tenant).await, [said("10", "10", old), said("10", "11", new)]);
    }

    async fn a_gauge_is_told_at_each_crossing(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        limit(app, tenant, "storage_gb", "gauge", 10).await;
        alert(app, tenant, json!({"meter": "storage_gb", "per": "gauge", "percent": 80})).await.expect(201);
        for (level, times) in [(7, 0), (8, 1), (9, 1), (5, 1), (12, 2)] {
            used(app, tenant, "storage_gb", json!(level)).await;
            app.settle().await;
            assert_eq!(told(app, tenant).await.len(), times, "{level}");
            // Another month changes nothing by itself.
            app.advance(40 * DAY).await;
        }
        assert_eq!(told(app, tenant).await.len(), 2);
    }

    async fn alerts_are_made_listed_and_removed(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        for (body, field) in [
            (json!({}), "meter"),
            (json!({"meter": "unheard_of", "percent": 80}), "meter"),
            (json!({"meter": "api_calls"}), "percent"),
            (json!({"meter": "api_calls", "percent": 80, "quantity": 5}), "percent"),
            (json!({"meter": "api_calls", "percent": 0}), "percent"),
            (json!({"meter": "api_calls", "percent": 1001}), "percent"),
            (json!({"meter": "api_calls", "quantity": "many"}), "quantity"),
            (json!({"meter": "api_calls", "percent": 80, "per": "minute"}), "per"),
            (json!({"meter": "api_calls", "percent": 80, "at": 5}), "at"),
        ] {
            let problem = alert(app, tenant, body.clone()).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{body}");
        }
        let made = alert(app, tenant, json!({"meter": "api_calls", "percent": 80})).await.expect(201);
        assert_eq!((&made["per"], &made["percent"], &made["quantity"]), (&json!("period"), &json!(80), &Value::Null));
        let viewer = app.token(Role::Viewer, tenant);
        let list = app.get(&path(tenant, "usage-alerts")).bearer(&viewer).await.expect(200);
        assert_eq!(list["data"], json!([made]));
        app.post(&path(tenant, "usage-alerts")).bearer(&viewer).text("{}").await.refused(403, "forbidden");
        let other = app.tenant("Birch").await;
        let one = |tenant: TenantId| path(tenant, &format!("usage-alerts/{}", made["id"].as_str().unwrap()));
        let admin = app.token(Role::Admin, other);
        app.call("DELETE", &one(other)).bearer(&admin).await.refused(404, "not_found");
        let admin = app.token(Role::Admin, tenant);
        app.call("DELETE", &one(tenant)).bearer(&admin).await.expect(204);
        app.call("DELETE", &one(tenant)).bearer(&admin).await.refused(404, "not_found");
        let audit = app.get("/api/v1/admin/audit?limit=3").bearer(&app.operator()).await.expect(200);
        let rows = audit["data"].as_array().unwrap().iter().filter(|row| row["tenant_id"] == tenant.to_string());
        let actions: Vec<&Value> = rows.map(|row| &row["action"]).collect();
        assert_eq!(actions, ["usage_alert.delete", "usage_alert.create"]);
        for _ in 0..100 {
            alert(app, tenant, json!({"meter": "api_calls", "percent": 80})).await.expect(201);
        }
        alert(app, tenant, json!({"meter": "api_calls", "percent": 80})).await.refused(409, "usage_alerts_used_up");
    }

    async fn who_exceeds_limits_is_listed(app: &TestApp) {
        let (fine, over, both) = (app.tenant("Acme").await, app.tenant("Birch").await, app.tenant("Cedar").await);
        used(app, fine, "api_calls", json!(100)).await;
        let soft = json!({"meter": "inference", "per": "month", "max": 5, "hard": false});
        let gauge = json!({"meter": "storage_gb", "per": "gauge", "max": 2, "hard": true});
        grant(app, both, json!({"limits": [soft, gauge]})).await;
        let at = |meter: &str, quantity: u64, moment: &str| json!({"meter": meter, "quantity": quantity, "occurred_at": moment});
        for (tenant, body) in [
            (over, at("api_calls", 60, "2026-11-20T08:10:00Z")),
            (over, at("api_calls", 60, "2026-11-20T10:20:00Z")),
            (over, at("api_calls", 60, "2026-11-20T11:20:00Z")),
            (both, at("inference", 6, "2026-11-03T09:00:00Z")),
            (both, at("storage_gb", 9, "2026-11-01T09:00:00Z")),
            (both, at("storage_gb", 1, "2026-11-02T09:00:00Z")),
            (both, at("storage_gb", 3, "2026-11-19T09:30:00Z")),
        ] {
            let member = app.token(Role::Member, tenant);
            app.post(&path(tenant, "usage")).bearer(&member).json(&body).await.expect(202);
        }
        let line = |tenant: TenantId, name: &str, rest: Value| {
            let mut line = json!({"tenant_id": tenant, "name": name});
            line.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            line
        };
        let birch = line(over, "Birch", json!({
            "meter": "api_calls", "per": "day", "limit": 100, "hard": true, "used": 180,
            "since": "2026-11-20T10:00:00Z", "resets_at": "2026-11-21T00:00:00Z",
        }));
        let cedar = [
            line(both, "Cedar", json!({
                "meter": "inference", "per": "month", "limit": 5, "hard": false, "used": 6,
                "since": "2026-11-03T09:00:00Z", "resets_at": "2026-12-01T00:00:00Z",
            })),
            line(both, "Cedar", json!({
                "meter": "storage_gb", "per": "gauge", "limit": 2, "hard": true, "used": 3,
                "since": "2026-11-19T09:00:00Z", "resets_at": null,
            })),
        ];
        let all = exceeding(app, "").await;
        assert_eq!(all, json!({"data": [birch, cedar[0], cedar[1]], "next_cursor": null}));
        let first = exceeding(app, "?limit=1").await;
        assert_eq!(first["data"], json!([birch]));
        let rest = exceeding(app, &format!("?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await;
        assert_eq!(rest["data"], json!(cedar));
        app.advance(DAY).await;
        assert_eq!(exceeding(app, "").await["data"], json!(cedar));
        let support = app.sign(Role::Support, None);
        app.get("/api/v1/stripe/tenants/exceeding-limits").bearer(&support).await.expect(200);
        app.get("/api/v1/stripe/tenants/exceeding-limits?cursor=x").bearer(&support).await.refused(422, "invalid_request");
    }
}
