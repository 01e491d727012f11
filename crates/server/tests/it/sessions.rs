//! Sessions: begun with a token, carried by a cookie, closed to other sites.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use crate::harness::{Answer, Call, TestApp, on_both_databases, order};

const SESSION: &str = "/api/v1/session";
const STATUS: &str = "/api/v1/customer/billing/status";
/// What the operations center asks for.
const OWN: [&str; 4] = [
    "/api/v1/billing/subscription",
    "/api/v1/billing/invoices",
    "/api/v1/billing/payment-methods",
    "/api/v1/billing/usage",
];

/// A browser that is logged in.
struct Browser {
    /// `session_token=…`
    cookie: String,
    csrf: String,
}

impl Browser {
    async fn log_in(app: &TestApp, token: &str) -> Self {
        let answer = app.post(SESSION).bearer(token).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let csrf = answer.expect(201)["csrf_token"].as_str().unwrap().to_owned();
        Self { cookie, csrf }
    }

    fn looks<'a>(&self, app: &'a TestApp, path: &str) -> Call<'a> {
        app.get(path).header("cookie", &self.cookie)
    }

    fn does<'a>(&self, app: &'a TestApp, method: &'static str, path: &str) -> Call<'a> {
        app.call(method, path).header("cookie", &self.cookie).header("x-csrf-token", &self.csrf)
    }
}

async fn audited(app: &TestApp, tenant: Option<TenantId>) -> Vec<Value> {
    let audit = app.get("/api/v1/admin/audit").bearer(&app.operator()).await.expect(200);
    let of_sessions = |row: &&Value| row["subject_kind"] == "session";
    let rows = audit["data"].as_array().unwrap().iter().filter(of_sessions);
    rows.inspect(|row| assert_eq!(row["tenant_id"], json!(tenant)))
        .map(|row| json!([row["action"], row["actor"]]))
        .collect()
}

fn is_a_session(answer: &Answer) -> bool {
    let cookie = answer.header("set-cookie");
    let value = cookie.strip_prefix("session_token=").and_then(|rest| rest.split(';').next());
    value.is_some_and(|value| value.len() == 64)
}

on_both_databases! {
    async fn a_session_opens_what_its_token_did(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let token = app.token(Role::Admin, tenant);
        let browser = Browser::log_in(app, &token).await;
        for path in OWN.into_iter().chain([STATUS]) {
            let by_cookie = browser.looks(app, path).await.expect(200);
            assert_eq!(by_cookie, app.get(path).bearer(&token).await.expect(200), "{path}");
        }
        let shown = browser.looks(app, SESSION).await.expect(200);
        assert_eq!((&shown["subject"], &shown["role"]), (&json!("admin@test"), &json!("admin")));
        assert_eq!((&shown["tenant_id"], &shown["csrf_token"]), (&json!(tenant), &json!(browser.csrf)));
        assert_eq!(shown["ends_at"], "2026-11-21T00:00:00Z", "twelve hours");
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        let body = json!({"auto_renew": false});
        browser.does(app, "PATCH", &path).json(&body).await.expect(200);
        browser.looks(app, "/api/v1/admin/audit").await.refused(403, "forbidden");
        let other = app.tenant("Birch").await;
        browser.looks(app, &format!("/api/v1/billing/tenants/{other}/events")).await.refused(404, "not_found");
    }

    async fn its_cookie_is_closed_to_scripts_and_other_sites(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let answer = app.post(SESSION).bearer(&app.token(Role::Viewer, tenant)).await;
        assert!(is_a_session(&answer), "{:?}", answer.headers);
        let cookie = answer.header("set-cookie");
        let (_, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(answer.header("cache-control"), "no-store");
        let secret = cookie["session_token=".len()..].split(';').next().unwrap();
        assert!(!answer.text.contains(secret), "scripts would read it there");
        let mut conn = app.app.db.read().await.unwrap();
        let rows: Vec<tollhouse_server::sessions::queries::Session> =
            conn.query("SELECT * FROM sessions").all().await.unwrap();
        assert_eq!((rows.len(), rows[0].hash.len()), (1, 32));
        assert_ne!(hex::encode(&rows[0].hash), secret);
    }

    async fn a_change_needs_the_csrf_token_and_a_page_of_ours(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let browser = Browser::log_in(app, &app.token(Role::Owner, tenant)).await;
        let path = "/api/v1/customer/billing/checkout-session";
        let order = order("pro");
        let without = app.post(path).header("cookie", &browser.cookie).json(&order).await;
        without.refused(403, "cross_site");
        let other = Browser::log_in(app, &app.token(Role::Owner, tenant)).await;
        let mixed = app.post(path).header("cookie", &browser.cookie).header("x-csrf-token", &other.csrf);
        mixed.json(&order).await.refused(403, "cross_site");
        for (name, value) in [("origin", "https://evil.example.com"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            let foreign = browser.does(app, "POST", path).header(name, value).json(&order).await;
            foreign.refused(403, "cross_site");
        }
        assert!(app.simulator.objects("checkout.session").is_empty(), "nothing was done");
        let home = app.app.config.server.frontend_url.clone();
        let good = browser.does(app, "POST", path).header("origin", &home).header("sec-fetch-site", "same-origin");
        good.json(&order).await.expect(200);
        // With a key it is answered once, as by bearer.
        let again = || browser.does(app, "POST", path).header("idempotency-key", "one").json(&order);
        assert_eq!(again().await.expect(200), again().await.expect(200));
    }

    async fn a_bearer_goes_before_the_cookie(app: &TestApp) {
        let (own, other) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let browser = Browser::log_in(app, &app.token(Role::Owner, own)).await;
        let path = format!("/api/v1/billing/tenants/{other}/events");
        let both = |token: String| browser.looks(app, &path).bearer(&token);
        both(app.token(Role::Owner, other)).await.expect(200);
        both("nonsense".to_owned()).await.refused(401, "unauthenticated");
        // And needs no CSRF token: no other site can make a browser send one.
        let change = app.post(SESSION).header("cookie", &browser.cookie).bearer(&app.token(Role::Owner, own));
        change.await.expect(201);
        browser.looks(app, SESSION).bearer(&app.token(Role::Owner, own)).await.refused(403, "forbidden");
    }

    async fn it_ends_by_its_person_by_its_token_and_by_its_own_bound(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let token = app.token(Role::Viewer, tenant);
        let (first, second) = (Browser::log_in(app, &token).await, Browser::log_in(app, &token).await);
        let gone = first.does(app, "DELETE", SESSION).await;
        assert_eq!(gone.header("set-cookie"), "session_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
        gone.expect(204);
        first.looks(app, STATUS).await.refused(401, "unauthenticated");
        first.does(app, "DELETE", SESSION).await.refused(401, "unauthenticated");
        second.looks(app, STATUS).await.expect(200);
        assert_eq!(audited(app, Some(tenant)).await, [
            json!(["session.end", "viewer@test"]),
            json!(["session.begin", "viewer@test"]),
            json!(["session.begin", "viewer@test"]),
        ]);
        app.app.clock.advance(12 * 3600 - 1);
        second.looks(app, STATUS).await.expect(200);
        app.app.clock.advance(1);
        second.looks(app, STATUS).await.refused(401, "unauthenticated");
        app.settle().await;
        let mut conn = app.app.db.read().await.unwrap();
        let rows: Vec<tollhouse_server::sessions::queries::Session> =
            conn.query("SELECT * FROM sessions").all().await.unwrap();
        assert!(rows.is_empty(), "a task clears them away");
        drop(conn);
        let short = app.sign_until(Role::Viewer, tenant, 60);
        let third = Browser::log_in(app, &short).await;
        app.app.clock.advance(59);
        third.looks(app, STATUS).await.expect(200);
        app.app.clock.advance(1);
        third.looks(app, STATUS).await.refused(401, "unauthenticated");
    }

    async fn it_begins_with_a_token_and_nothing_else(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let operator = app.operator();
        let key = json!({"name": "program", "scopes": ["admin"]});
        let key = app.post("/api/v1/admin/api-keys").bearer(&operator).json(&key).await.expect(201);
        app.post(SESSION).bearer(key["key"].as_str().unwrap()).await.refused(403, "forbidden");
        let browser = Browser::log_in(app, &app.token(Role::Viewer, tenant)).await;
        browser.does(app, "POST", SESSION).await.refused(403, "forbidden");
        app.post(SESSION).await.refused(401, "unauthenticated");
        for nobody in ["nobody".to_owned(), app.app.clock.new_id().to_string()] {
            app.post(SESSION).bearer(&app.sign(Role::Viewer, Some(nobody))).await.refused(404, "not_found");
        }
        for cookie in ["session_token=", "session_token=0", &format!("{0}; {0}", browser.cookie)] {
            app.get(STATUS).header("cookie", cookie).await.refused(401, "unauthenticated");
        }
        // Staff have no tenant, and see all.
        let staff = Browser::log_in(app, &operator).await;
        staff.looks(app, "/api/v1/admin/audit").await.expect(200);
        // A repetition under the same key is another session: the cookie is not kept to be answered again.
        let again = || app.post(SESSION).bearer(&operator).header("idempotency-key", "once");
        let (one, two) = (again().await, again().await);
        assert!(is_a_session(&one) && is_a_session(&two));
        assert_ne!(one.header("set-cookie"), two.header("set-cookie"));
    }
}
