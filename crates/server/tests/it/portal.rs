//! The portal: opened for who has a billing account, on what the catalog sells.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use crate::harness::{Answer, TestApp, on_both_databases};

const PORTAL: &str = "/api/v1/customer/billing/portal-session";

async fn open(app: &TestApp, tenant: TenantId, body: &Value) -> Answer {
    app.post(PORTAL).bearer(&app.token(Role::Owner, tenant)).json(body).await
}

on_both_databases! {
    async fn a_customer_is_sent_to_manage_what_it_has(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let home = json!({"return_url": "http://localhost:3000/billing"});
        let first = open(app, tenant, &home).await.expect(200);
        assert!(first["url"].as_str().unwrap().starts_with("http://simulator.test/p/session/"), "{first}");
        let admin = app.token(Role::Admin, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/portal");
        app.post(&path).bearer(&admin).json(&home).await.expect(200);
        assert_eq!(app.simulator.objects("billing_portal.configuration").len(), 1, "made once");
        let products = &app.simulator.objects("billing_portal.configuration")[0]["features"]
            ["subscription_update"]["products"];
        assert_eq!(products.as_array().unwrap().len(), 2, "pro and enterprise: {products}");
        assert_eq!(app.history(tenant).await.iter().filter(|event| *event == "portal.opened").count(), 2);
        app.settle().await;
    }

    async fn who_has_no_account_or_leads_elsewhere_is_refused(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let home = json!({"return_url": "http://localhost:3000/billing"});
        open(app, tenant, &home).await.refused(400, "no_billing_account");
        for body in [json!({}), json!({"return_url": "https://evil.example/"}), json!({"back": "x"})] {
            open(app, tenant, &body).await.refused(422, "invalid_request");
        }
        let member = app.token(Role::Member, tenant);
        app.post(PORTAL).bearer(&member).json(&home).await.refused(403, "forbidden");
    }
}
