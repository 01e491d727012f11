//! API keys: shown once, scoped, bound, expiring, revocable.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use crate::harness::{Answer, TestApp, on_both_databases};

const KEYS: &str = "/api/v1/admin/api-keys";
const TENANTS: &str = "/api/v1/stripe/tenants";

async fn create(app: &TestApp, body: &Value) -> Answer {
    app.post(KEYS).bearer(&app.operator()).json(body).await
}

/// A key of these scopes.
async fn key(app: &TestApp, scopes: &[&str], tenant: Option<TenantId>) -> Value {
    let tenant = tenant.map(|id| id.to_string());
    create(app, &json!({"name": "test", "scopes": scopes, "tenant_id": tenant})).await.expect(201)
}

fn text(key: &Value) -> &str {
    key["key"].as_str().unwrap()
}

on_both_databases! {
    async fn shown_once_and_then_known(app: &TestApp) {
        let made = create(app, &json!({"name": "importer", "scopes": ["tenants:read", "tenants:read"]})).await.expect(201);
        let secret = text(&made);
        assert_eq!((secret.len(), &secret[..15]), (67, made["prefix"].as_str().unwrap()));
        assert_eq!(made["scopes"], json!(["tenants:read"]));
        app.get(TENANTS).bearer(secret).await.expect(200);
        let list = app.get(KEYS).bearer(&app.operator()).await;
        let audit = app.get("/api/v1/admin/audit").bearer(&app.operator()).await;
        for shown in [&list.text, &audit.text] {
            assert!(!shown.contains(&secret[15..]), "{shown}");
        }
        assert_eq!(list.json()["data"][0]["last_used_at"], "2026-11-20T12:00:00Z");
        assert_eq!(audit.json()["data"][0]["action"], "api_key.create");
    }

    async fn a_repeated_request_keeps_no_secret(app: &TestApp) {
        let body = json!({"name": "importer", "scopes": ["tenants:read"]});
        let ask = || app.post(KEYS).bearer(&app.operator()).header("idempotency-key", "once").json(&body);
        let made = ask().await.expect(201);
        ask().await.refused(409, "api_key_exists");
        let list = app.get(KEYS).bearer(&app.operator()).await.expect(200);
        assert_eq!((list["data"].as_array().unwrap().len(), &list["data"][0]["id"]), (1, &made["id"]));
    }

    async fn nothing_but_the_whole_key_opens(app: &TestApp) {
        let made = key(app, &["admin"], None).await;
        let secret = text(&made);
        let mut other = secret.to_owned();
        other.replace_range(66.., if secret.ends_with('0') { "1" } else { "0" });
        let bad = [other, secret[..66].to_owned(), format!("{secret}0"), secret.to_uppercase(), "th_".to_owned(), "th_no-digits-at-all".to_owned(), secret[..15].to_owned()];
        for bad in &bad {
            app.get(TENANTS).bearer(bad).await.refused(401, "unauthenticated");
        }
        app.get(TENANTS).bearer(secret).await.expect(200);
    }

    async fn each_scope_opens_its_own(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let body = json!({"name": "New", "email": "new@example.com"});
        let slot = json!({"tier": "edge", "resource_id": "one"});
        for (scope, open) in [
            ("usage:write", [403, 403, 403, 201, 403]),
            ("entitlements:read", [403, 403, 403, 403, 403]),
            ("tenants:read", [200, 200, 403, 403, 403]),
            ("tenants:write", [200, 200, 201, 403, 403]),
            ("admin", [200, 200, 201, 200, 200]),
        ] {
            let key = key(app, &[scope], None).await;
            let key = text(&key);
            let answers = [
                app.get(TENANTS).bearer(key).await.status,
                app.get(&format!("/api/v1/billing/tenants/{tenant}/subscription")).bearer(key).await.status,
                app.post(TENANTS).bearer(key).json(&body).await.status,
                app.post(&format!("/api/v1/billing/tenants/{tenant}/slots")).bearer(key).json(&slot).await.status,
                app.get(KEYS).bearer(key).await.status,
            ];
            assert_eq!(answers, open, "{scope}");
        }
    }

    async fn a_bound_key_reaches_its_tenant_only(app: &TestApp) {
        let (own, other) = (app.subscriber("Acme", "pro").await, app.tenant("Birch").await);
        let bound = key(app, &["admin"], Some(own)).await;
        let bound = text(&bound);
        app.get(&format!("{TENANTS}/{own}")).bearer(bound).await.expect(200);
        app.get("/api/v1/customer/billing/status").bearer(bound).await.expect(200);
        let reason = json!({"reason": "x"});
        app.get(&format!("{TENANTS}/{other}")).bearer(bound).await.refused(404, "not_found");
        app.post(&format!("{TENANTS}/{other}/suspend")).bearer(bound).json(&reason).await.refused(404, "not_found");
        app.get(&format!("/api/v1/billing/tenants/{other}/events")).bearer(bound).await.refused(404, "not_found");
        for (method, path) in [("GET", TENANTS), ("POST", TENANTS), ("GET", KEYS), ("POST", KEYS), ("GET", "/api/v1/admin/audit"), ("GET", "/api/v1/admin/coupons")] {
            app.call(method, path).bearer(bound).json(&json!({})).await.refused(403, "forbidden");
        }
        app.get(&format!("/api/v1/billing/stream?tenant_id={other}")).bearer(bound).await.refused(404, "not_found");
        app.post(&format!("{TENANTS}/{own}/suspend")).bearer(bound).json(&reason).await.expect(200);
        let audit = app.get("/api/v1/admin/audit").bearer(&app.operator()).await.expect(200);
        let suspended = audit["data"].as_array().unwrap().iter().find(|it| it["action"] == "tenant.suspend").unwrap();
        assert_eq!(suspended["actor_kind"], "api_key");
    }

    async fn revoked_or_expired_it_opens_nothing(app: &TestApp) {
        let made = key(app, &["admin"], None).await;
        let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
        let revoke = || app.call("DELETE", &path).bearer(&app.operator());
        let revoked = revoke().await.expect(200);
        assert_eq!(revoke().await.expect(200), revoked, "the same again is no change");
        app.get(TENANTS).bearer(text(&made)).await.refused(401, "unauthenticated");
        let audit = app.get("/api/v1/admin/audit").bearer(&app.operator()).await.expect(200);
        let names: Vec<&Value> = audit["data"].as_array().unwrap().iter().map(|it| &it["action"]).collect();
        assert_eq!(names.iter().filter(|name| **name == "api_key.revoke").count(), 1);
        let body = json!({"name": "short", "scopes": ["admin"], "expires_at": "2026-11-20T13:00:00Z"});
        let short = create(app, &body).await.expect(201);
        app.app.clock.advance(3599);
        app.get(TENANTS).bearer(text(&short)).await.expect(200);
        app.app.clock.advance(1);
        app.get(TENANTS).bearer(text(&short)).await.refused(401, "unauthenticated");
        app.call("DELETE", &format!("{KEYS}/nobody")).bearer(&app.operator()).await.refused(404, "not_found");
        app.call("DELETE", &format!("{KEYS}/{}", app.app.clock.new_id())).bearer(&app.operator()).await.refused(404, "not_found");
    }

    async fn its_last_use_is_noted_to_the_minute(app: &TestApp) {
        let made = key(app, &["tenants:read"], None).await;
        let last = || async {
            let list = app.get(KEYS).bearer(&app.operator()).await.expect(200);
            list["data"][0]["last_used_at"].clone()
        };
        assert!(last().await.is_null());
        for (seconds, noted) in [(0, "2026-11-20T12:00:00Z"), (60, "2026-11-20T12:00:00Z"), (1, "2026-11-20T12:01:01Z")] {
            app.app.clock.advance(seconds);
            app.get(TENANTS).bearer(text(&made)).await.expect(200);
            assert_eq!(last().await, noted);
        }
    }

    async fn a_bad_wish_is_refused_all_at_once(app: &TestApp) {
        let bad = json!({"name": " ", "scopes": ["everything"], "expires_at": "2020-01-01T00:00:00Z"});
        let problem = create(app, &bad).await.refused(422, "invalid_request");
        let fields: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["name", "scopes", "expires_at"]);
        for bad in [json!({"name": "x", "scopes": []}), json!({"name": "x", "scopes": ["admin"], "expires_at": "soon"}), json!({"name": "x", "scopes": ["admin"], "key": "mine"}), json!({"scopes": ["admin"]})] {
            create(app, &bad).await.refused(422, "invalid_request");
        }
        for nobody in ["nobody".to_owned(), app.app.clock.new_id().to_string()] {
            create(app, &json!({"name": "x", "scopes": ["admin"], "tenant_id": nobody})).await.refused(404, "not_found");
        }
        let tenant = app.tenant("Acme").await;
        for token in [app.token(Role::Owner, tenant), app.sign(Role::Support, None)] {
            app.post(KEYS).bearer(&token).json(&json!({"name": "x", "scopes": ["admin"]})).await.refused(403, "forbidden");
        }
        app.post(KEYS).json(&json!({})).await.refused(401, "unauthenticated");
    }

    async fn listed_page_by_page_and_by_tenant(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        for of in [None, Some(tenant), None] {
            app.app.clock.advance(1);
            key(app, &["usage:write"], of).await;
        }
        let operator = app.operator();
        let first = app.get(&format!("{KEYS}?limit=2")).bearer(&operator).await.expect(200);
        let path = format!("{KEYS}?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
        let second = app.get(&path).bearer(&operator).await.expect(200);
        assert_eq!((first["data"].as_array().unwrap().len(), second["data"].as_array().unwrap().len()), (2, 1));
        let of_tenant = app.get(&format!("{KEYS}?tenant_id={tenant}")).bearer(&operator).await.expect(200);
        assert_eq!(of_tenant["data"][0]["tenant_id"], tenant.to_string());
        for bad in ["limit=0", "cursor=x", "tenant=x"] {
            app.get(&format!("{KEYS}?{bad}")).bearer(&operator).await.refused(422, "invalid_request");
        }
    }
}
