//! Tenants: created once per id, shown to those who may see them.

use serde_json::json;
use tollhouse_domain::actor::Role;

use crate::harness::{TestApp, on_both_databases};

const TENANTS: &str = "/api/v1/stripe/tenants";

on_both_databases! {
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
