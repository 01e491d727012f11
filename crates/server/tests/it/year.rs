//! A year in the life of a subscription, told event by event.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId, time::Timestamp};

use crate::harness::{TestApp, on_both_databases};

/// Periods begin at noon here, and are billed an hour later.
const NOON: i64 = 43_200;
const DAY: i64 = 86_400;

/// Moves every clock to this moment, from noon to noon: as life does.
async fn until(app: &TestApp, moment: &str) {
    let moment: Timestamp = moment.parse().unwrap();
    loop {
        let now = app.app.clock.now();
        let left = moment.seconds_since(now);
        if left <= 0 {
            return;
        }
        let to_noon = DAY - (now.as_second() - NOON).rem_euclid(DAY);
        app.advance(left.min(to_noon)).await;
    }
}

/// What was told since the last look.
async fn told(app: &TestApp, tenant: TenantId, seen: &mut usize) -> Vec<String> {
    let viewer = app.token(Role::Viewer, tenant);
    let path = format!("/api/v1/billing/tenants/{tenant}/events?limit=100");
    let page = app.get(&path).bearer(&viewer).await.expect(200);
    let events = page["data"].as_array().unwrap();
    let newest = usize::try_from(events[0]["sequence"].as_u64().unwrap()).unwrap();
    let new = events.iter().take(newest - *seen).rev();
    *seen = newest;
    new.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

async fn last_payment(app: &TestApp, tenant: TenantId) -> Value {
    let viewer = app.token(Role::Viewer, tenant);
    let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
    invoices[0]["amount_paid"].clone()
}

on_both_databases! {
    async fn a_year_is_told_event_by_event(app: &TestApp) {
        until(app, "2027-12-17T12:00:00Z").await;
        let tenant = app.tenant("Acme").await;
        app.card_on_file(tenant, "pm_card_visa").await;
        let seen = &mut 0;

        app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month", "trial_days": 14})).await.expect(201);
        app.settle().await;
        assert_eq!(told(app, tenant, seen).await, ["tenant.created", "tenant.customer_linked",
            "payment_method.default_changed", "subscription.created", "subscription.trial_started",
            "invoice.created", "invoice.finalized", "invoice.paid"]);

        until(app, "2027-12-28T12:00:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["subscription.trial_ending"]);
        until(app, "2027-12-31T13:30:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["subscription.trial_ended", "subscription.renewed", "subscription.activated", "invoice.created", "invoice.finalized", "invoice.paid"]);
        assert_eq!(last_payment(app, tenant).await, 29.0);

        until(app, "2028-01-31T13:30:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["invoice.created", "subscription.renewed", "invoice.finalized", "invoice.paid"]);

        // In the middle of a period: a better plan, for two.
        until(app, "2028-02-10T12:00:00Z").await;
        app.ask(tenant, "subscription/plan", &json!({"plan": "enterprise", "seats": 2})).await.expect(200);
        app.settle().await;
        assert_eq!(told(app, tenant, seen).await, ["subscription.plan_changed", "subscription.quantity_changed", "invoice.created", "invoice.finalized", "invoice.paid"]);

        until(app, "2028-02-29T13:30:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["invoice.created", "subscription.renewed", "invoice.finalized", "invoice.paid"]);
        assert_eq!(app.subscription(tenant).await["current_period_end"], "2028-03-31T12:00:00Z");
        assert_eq!(last_payment(app, tenant).await, 98.0);

        until(app, "2028-03-16T00:00:00Z").await;
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.expect(201);
        app.settle().await;
        assert_eq!(told(app, tenant, seen).await, ["subscription.created", "subscription.activated", "invoice.created", "invoice.finalized", "invoice.paid"]);
        assert_eq!(last_payment(app, tenant).await, 5.0, "half of a month of 31 days");

        until(app, "2028-03-31T13:30:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["invoice.created", "subscription.renewed", "invoice.created", "subscription.renewed", "invoice.finalized", "invoice.paid", "invoice.finalized", "invoice.paid"]);

        until(app, "2028-04-10T12:00:00Z").await;
        app.ask(tenant, "subscription/plan", &json!({"plan": "pro", "when": "period_end"})).await.expect(200);
        app.settle().await;
        assert_eq!(told(app, tenant, seen).await, ["subscription.change_scheduled"]);
        until(app, "2028-04-30T13:30:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["subscription.renewed", "subscription.plan_changed", "subscription.quantity_changed", "invoice.created", "invoice.created", "subscription.renewed", "invoice.finalized", "invoice.paid", "invoice.finalized", "invoice.paid"]);
        assert_eq!(app.subscription(tenant).await["amount"], 29.0);

        // The card fails; grace begins, and ends.
        let broken = app.card_on_file(tenant, "pm_card_chargeCustomerFail").await;
        until(app, "2028-05-31T13:30:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["payment_method.default_changed", "invoice.created", "subscription.renewed", "invoice.created", "subscription.renewed", "invoice.finalized", "invoice.payment_failed", "subscription.past_due", "invoice.finalized", "invoice.payment_failed", "subscription.past_due"]);
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "GRACE");
        until(app, "2028-06-03T14:00:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["invoice.payment_failed", "invoice.payment_failed", "invoice.payment_failed", "invoice.payment_failed", "subscription.grace_ended", "subscription.grace_ended"]);
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));

        // Another card: Stripe's next attempt succeeds, not ours.
        app.card_on_file(tenant, "pm_card_visa").await;
        assert_eq!(told(app, tenant, seen).await, ["payment_method.default_changed"], "instead of {broken}");
        until(app, "2028-06-20T12:00:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["invoice.paid", "subscription.recovered", "invoice.paid", "subscription.recovered"]);
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");

        until(app, "2028-07-10T12:00:00Z").await;
        told(app, tenant, seen).await;
        app.ask(tenant, "subscription/cancel", &json!({"at": "period_end", "reason": "unused"})).await.expect(200);
        app.settle().await;
        assert_eq!(told(app, tenant, seen).await, ["subscription.cancel_scheduled", "subscription.cancel_scheduled"]);
        until(app, "2028-08-01T12:00:00Z").await;
        assert_eq!(told(app, tenant, seen).await, ["subscription.canceled", "subscription.canceled"]);
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
    }
}
