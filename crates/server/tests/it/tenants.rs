//! Tenants: created once per id with customer and plan, changed, found, shown to those who may see them.

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{TestApp, on_both_databases};

const TENANTS: &str = "/api/v1/stripe/tenants";

async fn create(app: &TestApp, body: &Value) -> Value {
    app.post(TENANTS).bearer(&app.operator()).json(body).await.expect(201)
}

async fn patch(app: &TestApp, id: &Value, body: &Value) -> crate::harness::Answer {
    let path = format!("{TENANTS}/{}", id.as_str().unwrap());
    app.call("PATCH", &path).bearer(&app.operator()).json(body).await
}

async fn names(app: &TestApp, query: &str) -> Vec<String> {
    let page = app.get(&format!("{TENANTS}?{query}")).bearer(&app.operator()).await.expect(200);
    let name = |tenant: &Value| tenant["name"].as_str().unwrap().to_owned();
    page["data"].as_array().unwrap().iter().map(name).collect()
}

on_both_databases! {
    async fn created_with_customer_and_trial(app: &TestApp) {
        let body = json!({"name": "Acme", "email": "ada@acme.example", "billing_email": "bills@acme.example",
            "phone": "+44 20 7946 0000", "plan": "pro", "interval": "month", "support_tier": "gold", "sla_level": 2});
        let tenant = create(app, &body).await;
        assert_eq!(tenant["settled"], true, "{tenant}");
        assert_eq!((&tenant["plan"], &tenant["subscription_status"]), (&json!("pro"), &json!("trialing")));
        assert_eq!(tenant["subscription"]["trial_end"], "2026-12-04T12:00:00Z");
        assert_eq!(tenant["billing"], json!({"has_billing_account": true, "billing_email": "bills@acme.example"}));
        let customers = app.simulator.objects("customer");
        assert_eq!(customers.len(), 1);
        assert_eq!(customers[0]["email"], "bills@acme.example");
        assert_eq!((&customers[0]["name"], &customers[0]["phone"]), (&json!("Acme"), &json!("+44 20 7946 0000")));
        app.settle().await;
        let id = tenant["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(app.status(id).await["subscriptions"][0]["status"], "TRIAL");
    }

    async fn a_plan_without_a_trial_begins_on_a_page(app: &TestApp) {
        let body = json!({"id": app.app.clock.new_id(), "name": "Acme", "email": "ada@acme.example", "plan": "metered", "interval": "month"});
        let tenant = create(app, &body).await;
        assert!(tenant["subscription"].is_null(), "{tenant}");
        assert_eq!(tenant["settled"], true);
        let session = tenant["checkout"]["session_id"].as_str().unwrap();
        assert_eq!(create(app, &body).await["checkout"]["session_id"], session, "repeating it opens no second page");
        app.simulator.complete_checkout(session, "pm_card_visa").unwrap();
        app.settle().await;
        let path = format!("{TENANTS}/{}", tenant["id"].as_str().unwrap());
        let tenant = app.get(&path).bearer(&app.operator()).await.expect(200);
        assert_eq!((&tenant["plan"], &tenant["subscription_status"]), (&json!("metered"), &json!("active")));
        assert!(tenant["checkout"].is_null());
    }

    async fn a_plan_that_cannot_be_begun_creates_nothing(app: &TestApp) {
        for (plan, interval, code) in [("gold", "month", "unknown_plan"), ("extra_storage", "month", "is_addon"), ("pro", "week", "plan_not_sold"), ("pro", "", "invalid_request")] {
            let mut body = json!({"name": "Acme", "email": "ada@acme.example", "plan": plan});
            if !interval.is_empty() {
                body["interval"] = json!(interval);
            }
            app.post(TENANTS).bearer(&app.operator()).json(&body).await.refused(422, code);
        }
        assert!(names(app, "").await.is_empty());
        assert!(app.simulator.objects("customer").is_empty());
    }

    async fn whatever_stripe_does_there_is_one_customer_and_one_plan(app: &TestApp) {
        for (path, kind) in [
            ("/v1/customers", FaultKind::Unreachable),
            ("/v1/customers", FaultKind::DoneButUnanswered),
            ("/v1/subscriptions", FaultKind::Unreachable),
            ("/v1/subscriptions", FaultKind::DoneButUnanswered),
        ] {
            let before = (app.simulator.objects("customer").len(), app.simulator.objects("subscription").len());
            let fault = Fault { kind, times: 3, method: Some("POST".to_owned()), path: Some(path.to_owned()) };
            app.simulator.add_fault(fault);
            let body = json!({"id": app.app.clock.new_id(), "name": "Acme", "email": "ada@acme.example", "plan": "pro", "interval": "month"});
            let tenant = create(app, &body).await;
            assert_eq!(tenant["settled"], false, "{kind:?} {path}");
            create(app, &body).await;
            app.advance(121).await;
            let tenant = create(app, &body).await;
            assert_eq!((&tenant["settled"], &tenant["subscription_status"]), (&json!(true), &json!("trialing")), "{kind:?} {path}");
            assert_eq!(app.simulator.objects("customer").len(), before.0 + 1, "{kind:?} {path}");
            assert_eq!(app.simulator.objects("subscription").len(), before.1 + 1, "{kind:?} {path}");
        }
    }

    async fn many_at_once_make_one_tenant_with_one_customer(app: &TestApp) {
        let body = json!({"id": app.app.clock.new_id(), "name": "Acme", "email": "ada@acme.example", "plan": "pro", "interval": "month"});
        let answers = (create(app, &body), create(app, &body), create(app, &body));
        let (one, two, three) = tokio::join!(answers.0, answers.1, answers.2);
        assert!([&two, &three].iter().all(|other| other["id"] == one["id"]));
        app.settle().await;
        assert_eq!(app.simulator.objects("customer").len(), 1);
        assert_eq!(app.simulator.objects("subscription").len(), 1);
    }

    async fn changed_field_by_field(app: &TestApp) {
        let tenant = create(app, &json!({"name": "Acme", "email": "ada@acme.example", "phone": "1", "metadata": {"crm": "17"}})).await;
        let id = &tenant["id"];
        let change = json!({"name": "Acme Ltd", "phone": null, "metadata": {"erp": "4"}, "sla_level": 3,
            "overrides": {"features": {"sso": true}, "limits": [{"meter": "api_calls", "per": "month", "max": 5, "hard": true}]},
            "retention": {"legal_hold": true}});
        let changed = patch(app, id, &change).await.expect(200);
        assert_eq!((&changed["name"], &changed["phone"], &changed["sla_level"]), (&json!("Acme Ltd"), &Value::Null, &json!(3)));
        assert_eq!(changed["email"], "ada@acme.example");
        assert_eq!(changed["metadata"], json!({"erp": "4"}));
        assert_eq!(changed["overrides"]["features"], json!({"sso": true}));
        assert_eq!(changed["retention"]["legal_hold"], true);
        let customer = app.simulator.objects("customer")[0].clone();
        assert_eq!((&customer["name"], &customer["phone"]), (&json!("Acme Ltd"), &Value::Null));
        let events = app.history(id.as_str().unwrap().parse().unwrap()).await.len();
        patch(app, id, &change).await.expect(200);
        assert_eq!(app.history(id.as_str().unwrap().parse().unwrap()).await.len(), events, "the same again is no change");
        let taken_away = patch(app, id, &json!({"overrides": null, "retention": null})).await.expect(200);
        assert!(taken_away["overrides"].is_null() && taken_away["retention"].is_null());
    }

    async fn a_bad_change_is_refused_all_at_once(app: &TestApp) {
        let tenant = create(app, &json!({"name": "Acme", "email": "ada@acme.example"})).await;
        let bad = json!({"name": "", "email": "x", "phone": "call me", "support_tier": "", "sla_level": -1,
            "metadata": {"": "x"}, "retention": {"personal_data_days": 100_000}});
        let problem = patch(app, &tenant["id"], &bad).await.refused(422, "invalid_request");
        let fields: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["name", "email", "phone", "support_tier", "sla_level", "metadata", "retention.personal_data_days"]);
        patch(app, &tenant["id"], &json!({"status": "terminated"})).await.refused(422, "invalid_request");
    }

    async fn found_by_status_plan_and_text(app: &TestApp) {
        for (name, plan) in [("Ärger & Söhne", "pro"), ("Birch_100%", "pro"), ("Cedar", "free")] {
            app.app.clock.advance(1);
            let mut body = json!({"name": name, "email": "someone@example.com", "plan": plan});
            if plan == "pro" {
                body["interval"] = json!("month");
            }
            let tenant = create(app, &body).await;
            if name == "Cedar" {
                let path = format!("{TENANTS}/{}/suspend", tenant["id"].as_str().unwrap());
                app.post(&path).bearer(&app.operator()).json(&json!({"reason": "test"})).await.expect(200);
            }
        }
        app.settle().await;
        assert_eq!(names(app, "plan=pro").await, ["Birch_100%", "Ärger & Söhne"]);
        assert_eq!(names(app, "status=suspended").await, ["Cedar"]);
        assert_eq!(names(app, "status=active&plan=pro&limit=1").await, ["Birch_100%"]);
        assert_eq!(names(app, "text=%C3%84RGER").await, ["Ärger & Söhne"]);
        assert_eq!(names(app, "text=h_100%25").await, ["Birch_100%"], "no letter of it is a wildcard");
        assert_eq!(names(app, "text=EXAMPLE.com").await.len(), 3);
        assert!(names(app, "text=h%25n").await.is_empty());
        assert!(names(app, "plan=enterprise").await.is_empty());
        for bad in ["status=gone", "text=%00", &format!("text={}", "x".repeat(201)), "name=x"] {
            app.get(&format!("{TENANTS}?{bad}")).bearer(&app.operator()).await.refused(422, "invalid_request");
        }
    }

    async fn created_once_per_id(app: &TestApp) {
        let operator = app.operator();
        let id = app.app.clock.new_id();
        let body = json!({"id": id, "name": "Acme", "email": "ada@example.com", "metadata": {"crm": "17"}});
        let created = app.post(TENANTS).bearer(&operator).json(&body).await.expect(201);
        assert_eq!(created["id"], id.to_string());
        assert_eq!(created["metadata"]["crm"], "17");
        app.post(TENANTS).bearer(&operator).json(&body).await.expect(201);
        let other = json!({"id": id, "name": "Birch", "email": "ada@example.com"});
        app.post(TENANTS).bearer(&operator).json(&other).await.refused(409, "tenant_exists");
        let shown = app.get(&format!("{TENANTS}/{id}")).bearer(&operator).await.expect(200);
        assert_eq!(shown, created);
    }

    async fn bad_data_is_refused_all_at_once(app: &TestApp) {
        let body = json!({"name": " ", "email": "nowhere", "billing_email": "@"});
        let problem = app.post(TENANTS).bearer(&app.operator()).json(&body).await.refused(422, "invalid_request");
        let fields: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["name", "email", "billing_email"]);
        let body = json!({"name": "Acme", "email": "ada@example.com", "interval": "never", "currency": "zzzz"});
        let problem = app.post(TENANTS).bearer(&app.operator()).json(&body).await.refused(422, "invalid_request");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 3, "{problem}");
        let body = json!({"id": "17", "name": "Acme", "email": "ada@example.com"});
        app.post(TENANTS).bearer(&app.operator()).json(&body).await.refused(422, "invalid_request");
    }

    async fn only_staff_sees_tenants(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        app.get(TENANTS).bearer(&owner).await.refused(403, "forbidden");
        app.get(&format!("{TENANTS}/{tenant}")).bearer(&owner).await.refused(403, "forbidden");
        let body = json!({"name": "Acme", "email": "ada@example.com"});
        app.post(TENANTS).bearer(&owner).json(&body).await.refused(403, "forbidden");
        let support = app.sign(Role::Support, None);
        app.get(TENANTS).bearer(&support).await.expect(200);
        app.post(TENANTS).bearer(&support).json(&body).await.refused(403, "forbidden");
    }

    async fn listed_newest_first_page_by_page(app: &TestApp) {
        for name in ["A", "B", "C"] {
            app.app.clock.advance(1);
            app.tenant(name).await;
        }
        let operator = app.operator();
        let first = app.get(&format!("{TENANTS}?limit=2")).bearer(&operator).await.expect(200);
        assert_eq!(first["data"][0]["name"], "C");
        let cursor = first["next_cursor"].as_str().unwrap();
        let path = format!("{TENANTS}?limit=2&cursor={cursor}");
        let second = app.get(&path).bearer(&operator).await.expect(200);
        assert_eq!(second["data"][0]["name"], "A");
        assert!(second["next_cursor"].is_null());
    }
}
