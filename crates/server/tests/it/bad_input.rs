//! Bad input gets a clear refusal, and loses nothing.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{CHECKOUT, Database, Kind, TestApp, on_both_databases, order};

fn with(field: &str, value: Value) -> Value {
    let mut request = order("pro");
    request[field] = value;
    request
}

on_both_databases! {
    async fn who_may_not_is_told_so(app: &TestApp) {
        let (tenant, other) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let status = "/api/v1/customer/billing/status";
        app.get(status).await.refused(401, "unauthenticated");
        app.get(status).bearer("nonsense").await.refused(401, "unauthenticated");
        app.get(status).header("authorization", "Basic x").await.refused(401, "unauthenticated");
        for role in [Role::Member, Role::Viewer] {
            let token = app.token(role, tenant);
            app.post(CHECKOUT).bearer(&token).json(&order("pro")).await.refused(403, "forbidden");
        }
        let owner = app.token(Role::Owner, tenant);
        for path in ["subscription", "events"] {
            let foreign = format!("/api/v1/billing/tenants/{other}/{path}");
            app.get(&foreign).bearer(&owner).await.refused(404, "not_found");
            let no_uuid = format!("/api/v1/billing/tenants/not-a-uuid/{path}");
            app.get(&no_uuid).bearer(&owner).await.refused(404, "not_found");
            app.get(&no_uuid).bearer(&app.operator()).await.refused(404, "not_found");
            let nobody = TenantId::from_uuid(app.app.clock.new_id());
            let unknown = format!("/api/v1/billing/tenants/{nobody}/{path}");
            app.get(&unknown).bearer(&app.operator()).await.refused(404, "not_found");
        }
        for tenant in [None, Some("not-a-uuid".to_owned()), Some(app.app.clock.new_id().to_string())] {
            let token = app.sign(Role::Owner, tenant);
            app.get(status).bearer(&token).await.refused(404, "not_found");
            app.post(CHECKOUT).bearer(&token).json(&order("pro")).await.refused(404, "not_found");
        }
    }

    async fn a_token_is_looked_at_closely(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let token = app.token(Role::Owner, tenant);
        let status = "/api/v1/customer/billing/status";
        let parts: Vec<&str> = token.split('.').collect();
        // {"alg":"none","typ":"JWT"}, and the signature of nobody.
        let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
        // {"alg":"HS512","typ":"JWT"}
        let confused = format!("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.{}.{}", parts[1], parts[2]);
        let stolen = format!("{}.{}.{}", parts[0], parts[1], parts[2].replace(|_: char| true, "A"));
        for forged in [none, confused, stolen] {
            app.get(status).bearer(&forged).await.refused(401, "unauthenticated");
        }
        app.get(status).bearer(&token).await.expect(200);
        app.app.clock.advance(401 * 86_400);
        app.get(status).bearer(&token).await.refused(401, "unauthenticated");
    }

    async fn a_bad_order_is_refused_field_by_field(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        let cases = [
            (with("sucess_url", json!("x")), "sucess_url"),
            (with("success_url", json!("https://evil.example/")), "success_url"),
            (with("success_url", json!(format!("http://localhost:3000/{}", "x".repeat(500)))), "success_url"),
            (with("cancel_url", json!("javascript:alert(1)")), "cancel_url"),
            (with("interval", json!("fortnight")), "interval"),
            (with("currency", json!("zzz")), "currency"),
            (with("quantity", json!(0)), "quantity"),
            (with("quantity", json!(2)), "quantity"),
            (with("price_id", json!("price_1")), "plan"),
            (json!({"plan": "pro", "interval": "month"}), "success_url"),
            (json!({"plan": "pro", "success_url": "http://localhost:3000/", "cancel_url": "http://localhost:3000/"}), "interval"),
            (with("plan", json!("pro\u{0}")), ""),
        ];
        for (request, field) in cases {
            let problem = app.post(CHECKOUT).bearer(&owner).json(&request).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        }
        let refused = |request: Value, code: &'static str| {
            let call = app.post(CHECKOUT).bearer(&owner).json(&request);
            async move { call.await.refused(422, code) }
        };
        refused(with("plan", json!("gold")), "unknown_plan").await;
        refused(with("currency", json!("jpy")), "plan_not_sold").await;
        refused(with("interval", json!("week")), "plan_not_sold").await;
        let mut by_price = order("pro");
        by_price.as_object_mut().unwrap().retain(|key, _| key.ends_with("url"));
        by_price["price_id"] = json!("price_of_nobody");
        refused(by_price, "unknown_price").await;
        app.post(CHECKOUT).bearer(&owner).text("{").await.refused(400, "malformed_request");
        app.post(CHECKOUT).bearer(&owner).text(&"x".repeat(2_000_000)).await.refused(413, "payload_too_large");
        assert_eq!(app.history(tenant).await, ["tenant.created"], "nothing was begun");
    }

    async fn stripe_down_is_said_and_can_be_repeated(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        let fault = |kind| Fault { kind, times: 3, method: None, path: None };
        let ask = || app.post(CHECKOUT).bearer(&owner).header("idempotency-key", "once").json(&order("pro"));
        app.simulator.add_fault(fault(FaultKind::Unreachable));
        let answer = ask().await;
        assert_eq!(answer.header("retry-after"), "1");
        answer.refused(503, "stripe_unavailable");
        // Stripe does the work and then does not answer; the repeat finds the same customer and page.
        app.simulator.add_fault(fault(FaultKind::DoneButUnanswered));
        ask().await.refused(503, "stripe_unavailable");
        ask().await.expect(200);
        assert_eq!(app.simulator.objects("customer").len(), 1);
        assert_eq!(app.simulator.objects("checkout.session").len(), 1);
    }

    async fn unknown_places_are_named(app: &TestApp) {
        app.get("/nowhere").await.refused(404, "not_found");
        app.call("DELETE", "/api/v1/billing/plans").await.refused(405, "method_not_allowed");
        let operator = app.operator();
        app.get("/api/v1/stripe/tenants?limit=0").bearer(&operator).await.refused(422, "invalid_request");
        app.get("/api/v1/stripe/tenants?limit=101").bearer(&operator).await.refused(422, "invalid_request");
        app.get("/api/v1/stripe/tenants?limt=5").bearer(&operator).await.refused(422, "invalid_request");
        app.get("/api/v1/stripe/tenants?cursor=x").bearer(&operator).await.refused(422, "invalid_request");
    }
}

#[tokio::test]
async fn without_stripe_everything_else_answers() {
    let database = Database::create(Kind::Sqlite).await;
    let app = TestApp::start_with(database, |_| {}).await;
    let tenant = app.tenant("Acme").await;
    let mut config = app.app.config.clone();
    config.stripe.secret_key = None;
    config.stripe.webhook_secret.clear();
    let unconfigured =
        tollhouse_server::App::start(config, app.app.clock.clone(), None).await.unwrap();
    let router = tollhouse_server::router(&unconfigured);
    let send = |method: &str, path: &str, body: Value| {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", app.token(Role::Owner, tenant)))
            .body(axum::body::Body::from(body.to_string()))
            .unwrap();
        crate::harness::Answer::of(router.clone(), request)
    };
    let config = send("GET", "/api/v1/customer/billing/config", Value::Null).await.expect(200);
    assert_eq!(config, json!({"stripe_configured": false, "publishable_key": null}));
    for path in [
        "/api/v1/billing/plans",
        "/api/v1/customer/billing/status",
        "/api/v1/billing/subscription",
        "/api/v1/billing/invoices",
        "/health/ready",
        "/openapi.json",
    ] {
        assert_eq!(send("GET", path, Value::Null).await.status, 200, "{path}");
    }
    send("POST", CHECKOUT, order("pro")).await.refused(503, "billing_not_configured");
    send("POST", "/webhook/stripe", json!({})).await.refused(404, "not_found");
    app.finish().await;
}
