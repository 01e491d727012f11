//! Halting a subscription, and what that means for money, access and add-ons.

use serde_json::json;
use tollhouse_domain::actor::Role;

use crate::harness::{TestApp, on_both_databases};

const DAY: i64 = 86_400;

on_both_databases! {
    async fn a_pause_grants_nothing_bills_nothing_and_can_be_ended(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.expect(201);
        app.advance(10 * DAY).await;
        let paused = app.ask(tenant, "subscription/pause", &json!({})).await.expect(200);
        assert_eq!((&paused["status"], &paused["access"]), (&json!("paused"), &json!("none")));
        assert_eq!(paused["addons"][0]["status"], "paused", "an add-on rests with its base");
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        app.ask(tenant, "subscription/pause", &json!({})).await.expect(200);
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.refused(409, "subscription_state");

        app.advance(40 * DAY).await;
        let viewer = app.token(Role::Viewer, tenant);
        let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
        assert_eq!(invoices.as_array().unwrap().len(), 2, "nothing was billed meanwhile");

        let resumed = app.ask(tenant, "subscription/resume", &json!({})).await.expect(200);
        assert_eq!((&resumed["status"], &resumed["access"]), (&json!("active"), &json!("full")));
        assert_eq!(resumed["current_period_end"], "2027-01-20T12:00:00Z", "it keeps its dates");
        assert_eq!(resumed["addons"][0]["status"], "active");
        assert_eq!(resumed["addons"][0]["current_period_end"], resumed["current_period_end"]);
        app.settle().await;
        let history = app.history(tenant).await;
        for event in ["subscription.paused", "subscription.resumed"] {
            assert_eq!(history.iter().filter(|told| *told == event).count(), 2, "{event}: base and add-on");
        }
        // Twenty of thirty days were credited, eleven of thirty-one are charged: nothing is owed yet.
        let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
        assert_eq!(invoices[0]["amount_due"], json!(0.0), "{invoices}");
    }

    async fn only_what_runs_can_be_paused(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.break_the_card().await;
        app.advance(31 * DAY).await;
        assert_eq!(app.subscription(tenant).await["status"], "past_due");
        let problem = app.ask(tenant, "subscription/pause", &json!({})).await.refused(409, "subscription_state");
        assert!(problem["detail"].as_str().unwrap().contains("`past_due`"), "{problem}");
        let nobody = app.tenant("Birch").await;
        app.ask(nobody, "subscription/pause", &json!({})).await.refused(409, "not_subscribed");
    }

    async fn a_trial_that_ends_without_a_card_halts_and_waits(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month", "trial_days": 14})).await.expect(201);
        app.advance(11 * DAY).await;
        assert_eq!(app.history(tenant).await.last().unwrap(), "subscription.trial_ending");
        app.advance(DAY).await;
        let reminders = app.history(tenant).await;
        assert_eq!(reminders.iter().filter(|told| *told == "subscription.trial_ending").count(), 1);
        app.advance(2 * DAY).await;
        let halted = app.subscription(tenant).await;
        assert_eq!((&halted["status"], &halted["access"]), (&json!("paused"), &json!("none")));
        app.ask(tenant, "subscription/resume", &json!({})).await.refused(409, "no_payment_method");
        app.card_on_file(tenant, "pm_card_visa").await;
        let resumed = app.ask(tenant, "subscription/resume", &json!({})).await.expect(200);
        assert_eq!(resumed["status"], "active");
        app.settle().await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
        let viewer = app.token(Role::Viewer, tenant);
        let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
        assert_eq!(invoices[0]["amount_paid"], 29.0);
    }

    async fn a_trial_with_a_card_goes_on(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month", "trial_days": 2})).await.expect(201);
        app.settle().await;
        let history = app.history(tenant).await;
        assert!(history.contains(&"subscription.trial_ending".to_owned()), "a short trial is told at once");
        app.advance(2 * DAY + 3700).await;
        let history = app.history(tenant).await;
        for told in ["subscription.trial_ended", "subscription.activated", "invoice.paid"] {
            assert!(history.contains(&told.to_owned()), "{told} in {history:?}");
        }
        assert_eq!(app.subscription(tenant).await["status"], "active");
    }

    async fn an_end_that_is_set_comes_before_a_pause(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        // Else whoever presses «resume» twice would take back the end as well.
        app.ask(tenant, "subscription/pause", &json!({})).await.refused(409, "subscription_state");
        assert_eq!(app.subscription(tenant).await["auto_renew"], false);
        app.settle().await;
    }

    async fn ended_while_it_rests_the_credit_is_kept(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.advance(15 * DAY).await;
        app.ask(tenant, "subscription/pause", &json!({})).await.expect(200);
        app.ask(tenant, "subscription/cancel", &json!({"at": "now"})).await.expect(200);
        app.settle().await;
        assert_eq!(app.simulator.objects("customer")[0]["balance"], -1450, "half of a month");
    }
}
