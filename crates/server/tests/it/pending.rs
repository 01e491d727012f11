//! Changes that wait for the end of the period.

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{TestApp, on_both_databases};

const DAY: i64 = 86_400;

fn later(plan: &str) -> Value {
    json!({"plan": plan, "when": "period_end"})
}

on_both_databases! {
    async fn a_change_waits_is_shown_and_comes(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        let waiting = app.ask(tenant, "subscription/plan", &later("pro")).await.expect(200);
        assert_eq!(waiting["plan"]["code"], "enterprise", "until then nothing changes");
        assert_eq!(waiting["pending_change"], json!({"plan": "pro", "plan_version": 1, "seats": 1,
            "price_lookup_key": "pro_v1_month_usd", "at": "2026-12-20T12:00:00Z"}));
        app.settle().await;
        assert_eq!(app.history(tenant).await.last().unwrap(), "subscription.change_scheduled");
        app.advance(30 * DAY + 3700).await;
        let come = app.subscription(tenant).await;
        assert_eq!((&come["plan"]["code"], &come["pending_change"]), (&json!("pro"), &Value::Null));
        let viewer = app.token(Role::Viewer, tenant);
        let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
        assert_eq!(invoices[0]["amount_paid"], 29.0, "nothing is prorated");
        let history = app.history(tenant).await;
        assert!(!history.contains(&"subscription.change_dropped".to_owned()), "{history:?}");
        assert!(history.contains(&"subscription.plan_changed".to_owned()));
        // Stripe's schedule is still attached; it stands in nobody's way.
        app.ask(tenant, "subscription/plan", &json!({"plan": "enterprise", "seats": 2})).await.expect(200);
        app.settle().await;
    }

    async fn a_change_can_be_dropped_and_replaced(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "subscription/plan", &later("enterprise")).await.expect(200);
        let year = json!({"interval": "year", "when": "period_end"});
        let replaced = app.ask(tenant, "subscription/plan", &year).await.expect(200);
        assert_eq!(replaced["pending_change"]["price_lookup_key"], "pro_v1_year_usd");
        let admin = app.token(Role::Admin, tenant);
        let pending = format!("/api/v1/billing/tenants/{tenant}/subscription/pending");
        let dropped = app.call("DELETE", &pending).bearer(&admin).await.expect(200);
        assert_eq!(dropped["pending_change"], Value::Null);
        app.call("DELETE", &pending).bearer(&admin).await.refused(409, "subscription_state");
        app.settle().await;
        let history = app.history(tenant).await;
        assert_eq!(history[history.len() - 3..], [
            "subscription.change_scheduled", "subscription.change_scheduled", "subscription.change_dropped"]);
        app.advance(30 * DAY + 3700).await;
        assert_eq!(app.subscription(tenant).await["interval"], "month");
    }

    async fn another_interval_begins_with_the_next_period(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let year = json!({"interval": "year", "when": "period_end"});
        app.ask(tenant, "subscription/plan", &year).await.expect(200);
        app.advance(30 * DAY + 3700).await;
        let come = app.subscription(tenant).await;
        assert_eq!(come["interval"], "year");
        assert_eq!((&come["current_period_start"], &come["current_period_end"]),
            (&json!("2026-12-20T12:00:00Z"), &json!("2027-12-20T12:00:00Z")));
    }

    async fn what_waits_stands_against_another_change_but_not_against_the_end(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        app.ask(tenant, "subscription/plan", &later("pro")).await.expect(200);
        app.ask(tenant, "subscription/plan", &json!({"seats": 3})).await.refused(409, "change_pending");
        app.ask(tenant, "subscription/pause", &json!({})).await.refused(409, "change_pending");
        let ending = app.ask(tenant, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        assert_eq!((&ending["pending_change"], &ending["auto_renew"]), (&Value::Null, &json!(false)));
        app.ask(tenant, "subscription/plan", &later("pro")).await.refused(409, "subscription_state");
        app.advance(31 * DAY).await;
        assert_eq!(app.history(tenant).await.last().unwrap(), "subscription.canceled");
    }

    async fn only_what_renews_can_wait(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month", "trial_days": 14})).await.expect(201);
        let refused = app.ask(tenant, "subscription/plan", &later("enterprise")).await;
        let problem = refused.refused(409, "subscription_state");
        assert!(problem["detail"].as_str().unwrap().contains("`trialing`"), "{problem}");
        app.settle().await;
    }

    async fn a_request_that_failed_half_way_can_be_repeated(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        let admin = app.token(Role::Admin, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription/plan");
        let ask = || app.post(&path).bearer(&admin).header("idempotency-key", "later").json(&later("pro"));
        // The schedule is made, and what it is for is not said.
        app.simulator.add_fault(Fault {
            kind: FaultKind::Error500,
            times: 3,
            method: Some("POST".into()),
            path: Some("/v1/subscription_schedules/".into()),
        });
        ask().await.refused(503, "stripe_unavailable");
        let waiting = ask().await.expect(200);
        assert_eq!(waiting["pending_change"]["plan"], "pro");
        app.settle().await;
    }
}
