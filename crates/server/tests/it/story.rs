//! The story: a tenant pays, and everybody knows.

use serde_json::json;
use tollhouse_domain::actor::Role;

use crate::harness::{CHECKOUT, TestApp, on_both_databases, order};

on_both_databases! {
    async fn a_tenant_pays_and_everybody_knows(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        let config = app.get("/api/v1/customer/billing/config").bearer(&owner).await.expect(200);
        assert_eq!(config, json!({"stripe_configured": true, "publishable_key": "pk_test_harness"}));
        let brief = app.get("/api/v1/billing/subscription").bearer(&owner).await.expect(200);
        assert_eq!((&brief["tier"], &brief["amount"]), (&json!("free"), &json!(0.0)));

        let page = app.post(CHECKOUT).bearer(&owner).json(&order("pro")).await.expect(200);
        let session = page["session_id"].as_str().unwrap();
        assert!(page["url"].as_str().unwrap().contains(session));
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]), "nothing is granted yet");

        app.simulator.complete_checkout(session, "pm_card_visa").unwrap();
        app.settle().await;

        let status = app.status(tenant).await;
        assert_eq!(status["has_billing_account"], true);
        assert_eq!(status["billing_email"], "acme@example.com");
        let main = &status["subscriptions"][0];
        assert_eq!(main["subscription_type"], "MAIN");
        assert_eq!(main["status"], "ACTIVE");
        assert_eq!(main["plan_id"], "pro");
        assert_eq!(main["term_start"], "2026-11-20T12:00:00Z");
        assert_eq!(main["term_end"], "2026-12-20T12:00:00Z");

        let brief = app.get("/api/v1/billing/subscription").bearer(&owner).await;
        assert!(brief.text.contains(r#""amount":29.00,"#), "exact decimals: {}", brief.text);
        let brief = brief.expect(200);
        assert_eq!(brief["tier"], "pro");
        assert_eq!(brief["interval"], "month");
        assert_eq!(brief["currency"], "usd");

        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        let full = app.get(&path).bearer(&owner).await.expect(200);
        assert_eq!(full["plan"], json!({"code": "pro", "version": 1, "name": "Pro", "tier": "pro"}));
        assert_eq!((&full["access"], &full["auto_renew"]), (&json!("full"), &json!(true)));
        assert_eq!(full["stripe_subscription_id"], main["stripe_subscription_id"]);

        let invoices = app.get("/api/v1/billing/invoices").bearer(&owner).await.expect(200);
        assert_eq!(invoices[0]["paid"], true);
        assert_eq!(invoices[0]["amount_paid"], 29.0);

        assert_eq!(
            app.history(tenant).await,
            [
                "tenant.created",
                "tenant.customer_linked",
                "checkout.started",
                "checkout.completed",
                "subscription.created",
                "subscription.activated",
                "invoice.created",
                "invoice.finalized",
                "invoice.paid",
            ]
        );
    }

    async fn a_declined_card_grants_nothing(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let session = app.checkout(tenant, "pro").await;
        let declined = app.simulator.complete_checkout(&session, "pm_card_chargeDeclined").unwrap_err();
        assert_eq!(declined["error"]["decline_code"], "generic_decline");
        app.settle().await;
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        assert_eq!(
            app.history(tenant).await,
            ["tenant.created", "tenant.customer_linked", "checkout.started"]
        );

        app.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        app.settle().await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE", "a second card works");
    }

    async fn a_trial_begins_only_when_asked_for(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        let mut request = order("pro");
        request["trial"] = json!(true);
        let page = app.post(CHECKOUT).bearer(&owner).json(&request).await.expect(200);
        app.simulator.complete_checkout(page["session_id"].as_str().unwrap(), "pm_card_visa").unwrap();
        app.settle().await;
        let main = &app.status(tenant).await["subscriptions"][0];
        assert_eq!((&main["status"], &main["term_end"]), (&json!("TRIAL"), &json!("2026-12-04T12:00:00Z")));
        assert!(app.history(tenant).await.contains(&"subscription.trial_started".to_owned()));
    }

    async fn a_year_of_renewals(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        for _ in 0..400 {
            app.advance(86_400).await;
        }
        let history = app.history(tenant).await;
        let count = |event: &str| history.iter().filter(|known| *known == event).count();
        assert_eq!(count("subscription.renewed"), 13, "{history:?}");
        assert_eq!(count("invoice.paid"), 14);
        assert_eq!(app.status(tenant).await["subscriptions"][0]["term_end"], "2028-01-20T12:00:00Z");
    }

    async fn a_card_that_fails_later_leaves_grace_and_then_nothing(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let session = app.checkout(tenant, "pro").await;
        app.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        app.settle().await;
        app.break_the_card().await;

        app.advance(30 * 86_400 + 2 * 3600).await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "GRACE");
        app.advance(2 * 86_400).await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "GRACE", "the clock starts once");
        app.advance(86_400 + 3600).await;
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]), "grace is three days");
        let history = app.history(tenant).await;
        assert_eq!(history.iter().filter(|event| *event == "subscription.past_due").count(), 1);
        assert!(history.contains(&"invoice.payment_failed".to_owned()));
    }
}
