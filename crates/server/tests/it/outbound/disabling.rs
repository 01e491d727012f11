//! Endpoints that take nothing any more.

use serde_json::json;
use tollhouse_domain::event::EventType;

use super::{Receiver, audited, change, deliveries, endpoint, happens, make, numbers, show};
use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    async fn after_five_days_without_success_it_is_disabled_and_goes_on_when_enabled(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        receiver.answer(|_| 500);
        let tenant = app.tenant("Acme").await;
        happens(app, tenant, EventType::SlotClaimed).await;
        app.settle().await;
        let start = app.app.clock.now();
        while show(app, &made).await["enabled"] == true {
            app.advance(4400).await;
            assert!(app.app.clock.now() < start.plus_days(6));
        }
        assert!(app.app.clock.now() >= start.plus_days(5));
        let shown = show(app, &made).await;
        assert_eq!(shown["disabled_reason"], format!("every attempt has failed since {start}"));
        assert!(shown["disabled_at"].is_string());
        let audit = audited(app, "webhook_endpoint.disabled").await;
        assert_eq!(audit.len(), 1);
        assert_eq!(audit[0]["actor_kind"], "system");
        assert_eq!(audit[0]["data"]["reason"], shown["disabled_reason"]);

        let sent = receiver.messages().len();
        happens(app, tenant, EventType::SlotReleased).await;
        app.advance(10 * 86_400).await;
        assert_eq!(receiver.messages().len(), sent, "it is left alone");
        receiver.answer(|_| 200);
        let enabled = change(app, &made, json!({ "enabled": true })).await;
        assert_eq!(enabled["enabled"], true);
        for field in ["disabled_at", "disabled_reason", "failing_since"] {
            assert!(enabled[field].is_null(), "{enabled}");
        }
        app.settle().await;
        // The first was given up after three days, the second was on its way for two.
        assert_eq!(numbers(&receiver.taken(), tenant), [2, 3]);
        assert_eq!(deliveries(app, &made, "&state=dead").await.len(), 1);
    }

    async fn enabled_again_an_event_has_its_three_days_again(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        receiver.answer(|_| 500);
        app.tenant("Acme").await;
        app.advance(2 * 86_400).await;
        change(app, &made, json!({ "enabled": false })).await;
        assert_eq!(show(app, &made).await["disabled_reason"], "by an operator");
        app.advance(5 * 86_400).await;
        change(app, &made, json!({ "enabled": true })).await;
        app.advance(2 * 86_400).await;
        assert_eq!(deliveries(app, &made, "").await[0]["state"], "pending");
        app.advance(86_400).await;
        assert_eq!(deliveries(app, &made, "").await[0]["state"], "dead");
    }

    async fn one_success_begins_the_five_days_anew(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        let (acme, birch) = (app.tenant("Acme").await, app.tenant("Birch").await);
        app.settle().await;
        let troubled = acme.to_string();
        receiver.answer(move |message| if message.tenant() == troubled { 500 } else { 200 });
        for _ in 0..8 {
            happens(app, acme, EventType::SlotClaimed).await;
            happens(app, birch, EventType::SlotClaimed).await;
            app.advance(86_400).await;
        }
        assert_eq!(show(app, &made).await["enabled"], true);
        assert_eq!(numbers(&receiver.taken(), birch), (1..=9).collect::<Vec<i64>>());
    }

    async fn gone_is_gone_at_once(app: &TestApp) {
        let receiver = Receiver::start().await;
        let tenant = app.tenant("Acme").await;
        let made = make(app, json!({ "url": receiver.url("/hooks"), "tenant_id": tenant.to_string() })).await;
        receiver.answer(|_| 410);
        happens(app, tenant, EventType::SlotClaimed).await;
        app.settle().await;
        app.advance(86_400).await;
        assert_eq!(receiver.messages().len(), 1);
        let shown = show(app, &made).await;
        assert_eq!(shown["enabled"], false);
        assert_eq!(shown["disabled_reason"], "it answered 410: there is nobody any more");
        assert_eq!(deliveries(app, &made, "").await[0]["status"], 410);
        // An endpoint of one tenant: the tenant's history says so.
        assert_eq!(app.history(tenant).await, ["tenant.created", "slot.claimed", "webhook_endpoint.disabled"]);
        let audit = audited(app, "webhook_endpoint.disabled").await;
        assert_eq!((audit.len(), &audit[0]["tenant_id"]), (1, &json!(tenant.to_string())));

        receiver.answer(|_| 200);
        change(app, &made, json!({ "enabled": true })).await;
        app.settle().await;
        assert_eq!(numbers(&receiver.taken(), tenant), [2, 3]);
    }

    async fn switched_off_by_hand_nothing_is_lost(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        change(app, &made, json!({ "enabled": false })).await;
        let tenant = app.tenant("Acme").await;
        for _ in 0..3 {
            happens(app, tenant, EventType::SlotClaimed).await;
        }
        app.advance(60 * 86_400).await;
        assert!(receiver.messages().is_empty());
        change(app, &made, json!({ "enabled": true })).await;
        app.settle().await;
        assert_eq!(numbers(&receiver.taken(), tenant), [1, 2, 3, 4]);
    }
}
