//! Payments that fail: Stripe tries again, we watch, and access follows.

use serde_json::json;
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_simulator::{AfterRetries, SettingsChange};

use crate::harness::{TestApp, on_both_databases};

const DAY: i64 = 86_400;

/// A subscriber whose second month cannot be paid.
async fn failing(app: &TestApp, after_retries: AfterRetries) -> TenantId {
    let change = SettingsChange { after_retries: Some(after_retries), ..SettingsChange::default() };
    app.simulator.change_settings(&change).unwrap();
    let tenant = app.subscriber("Acme", "pro").await;
    app.break_the_card().await;
    app.advance(30 * DAY).await;
    app.advance(3700).await;
    tenant
}

async fn days_pass(app: &TestApp, days: i64) {
    for _ in 0..days {
        app.advance(DAY).await;
    }
}

async fn count(app: &TestApp, tenant: TenantId, event: &str) -> usize {
    app.history(tenant).await.iter().filter(|told| *told == event).count()
}

/// What Stripe was asked to charge, by anybody.
fn attempts(app: &TestApp) -> i64 {
    app.simulator.objects("invoice").last().unwrap()["attempt_count"].as_i64().unwrap()
}

on_both_databases! {
    async fn while_stripe_tries_again_grace_runs_once_and_recovery_clears_it(app: &TestApp) {
        let tenant = failing(app, AfterRetries::Cancel).await;
        let failed = app.subscription(tenant).await;
        assert_eq!((&failed["status"], &failed["access"]), (&json!("past_due"), &json!("grace")));
        let until = failed["access_until"].clone();
        days_pass(app, 2).await;
        assert!(attempts(app) > 1, "Stripe has tried again");
        assert_eq!(app.subscription(tenant).await["access_until"], until, "and the clock runs on");
        assert_eq!(count(app, tenant, "subscription.past_due").await, 1);
        days_pass(app, 1).await;
        assert_eq!(app.subscription(tenant).await["access"], "none");
        assert_eq!(count(app, tenant, "subscription.grace_ended").await, 1);

        app.card_on_file(tenant, "pm_card_visa").await;
        days_pass(app, 7).await;
        let recovered = app.subscription(tenant).await;
        assert_eq!((&recovered["status"], &recovered["access"]), (&json!("active"), &json!("full")));
        assert_eq!(count(app, tenant, "subscription.recovered").await, 1);
        assert_eq!(count(app, tenant, "subscription.grace_ended").await, 1);
    }

    async fn after_the_last_attempt_it_ends(app: &TestApp) {
        let tenant = failing(app, AfterRetries::Cancel).await;
        days_pass(app, 20).await;
        assert!(app.history(tenant).await.contains(&"subscription.canceled".to_owned()));
        let tried = attempts(app);
        assert_eq!(count(app, tenant, "invoice.payment_failed").await, usize::try_from(tried).unwrap(),
            "each attempt was Stripe's and is told once");
        app.ask(tenant, "subscription/resume", &json!({})).await.refused(409, "not_subscribed");
        app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month"})).await.expect(201);
        app.settle().await;
    }

    async fn or_stays_unpaid_until_somebody_pays(app: &TestApp) {
        let tenant = failing(app, AfterRetries::MarkUnpaid).await;
        days_pass(app, 20).await;
        let unpaid = app.subscription(tenant).await;
        assert_eq!((&unpaid["status"], &unpaid["access"]), (&json!("unpaid"), &json!("none")));
        assert_eq!(count(app, tenant, "subscription.unpaid").await, 1);
        app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month"})).await.refused(409, "already_subscribed");
        app.ask(tenant, "subscription/pause", &json!({})).await.refused(409, "subscription_state");
        app.card_on_file(tenant, "pm_card_visa").await;
        let invoice = app.simulator.objects("invoice").last().unwrap()["id"].as_str().unwrap().to_owned();
        app.stripe("POST", &format!("/v1/invoices/{invoice}/pay"), &[]).await;
        app.settle().await;
        assert_eq!(app.subscription(tenant).await["access"], "full");
        assert_eq!(count(app, tenant, "subscription.recovered").await, 1);
    }

    async fn or_stays_past_due_without_access(app: &TestApp) {
        let tenant = failing(app, AfterRetries::LeavePastDue).await;
        days_pass(app, 20).await;
        let late = app.subscription(tenant).await;
        assert_eq!((&late["status"], &late["access"]), (&json!("past_due"), &json!("none")));
        let viewer = app.token(Role::Viewer, tenant);
        let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
        assert_eq!((&invoices[0]["status"], &invoices[0]["paid"]), (&json!("open"), &json!(false)));
    }

    async fn the_end_of_grace_takes_no_slot(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "subscription", &json!({"plan": "enterprise", "interval": "month"})).await.expect(201);
        let slot = json!({"tier": "edge", "resource_id": "device-1"});
        app.ask(tenant, "slots", &slot).await.expect(201);
        app.break_the_card().await;
        app.advance(30 * DAY).await;
        days_pass(app, 5).await;
        assert_eq!(app.subscription(tenant).await["access"], "none");
        let viewer = app.token(Role::Viewer, tenant);
        let held = app.get(&format!("/api/v1/billing/tenants/{tenant}/slots")).bearer(&viewer).await.expect(200);
        assert_eq!(held["data"].as_array().unwrap().len(), 1, "what exists stays");
        app.ask(tenant, "slots", &json!({"tier": "edge", "resource_id": "device-2"})).await.refused(409, "no_access");
    }

    async fn what_was_not_paid_cannot_be_changed_into_credit(app: &TestApp) {
        let change = SettingsChange { after_retries: Some(AfterRetries::LeavePastDue), ..SettingsChange::default() };
        app.simulator.change_settings(&change).unwrap();
        let tenant = app.tenant("Acme").await;
        app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "subscription", &json!({"plan": "enterprise", "interval": "month", "seats": 100})).await.expect(201);
        app.settle().await;
        app.break_the_card().await;
        app.advance(30 * DAY).await;
        app.advance(3700).await;
        assert_eq!(app.subscription(tenant).await["status"], "past_due");
        let one = json!({"seats": 1});
        app.ask(tenant, "subscription/plan", &one).await.refused(409, "subscription_state");
        app.ask(tenant, "upcoming-invoice", &one).await.refused(409, "subscription_state");
        assert_eq!(app.simulator.objects("customer")[0]["balance"], 0);
    }
}
