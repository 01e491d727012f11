//! What Stripe does not count, and who is told.

use serde_json::json;

use super::{DAY, HOUR, LONG_ENOUGH, at_stripe, customer, deliver_thin, meter_events, use_calls};
use crate::{
    harness::{TestApp, on_both_databases},
    reconcile::{drift, reconcile},
};

const REPORT: &str = "v1.billing.meter.error_report_triggered";

fn meter_id(app: &TestApp) -> String {
    let meters = app.simulator.objects("billing.meter");
    let meter = meters.iter().find(|meter| meter["event_name"] == "api_calls").unwrap();
    meter["id"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn what_stripe_refuses_afterwards_is_shown_and_can_be_sent_again(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        app.stripe("POST", &format!("/v1/billing/meters/{}/deactivate", meter_id(app)), &[]).await;
        use_calls(app, tenant, json!(5), 0).await;
        app.advance(LONG_ENOUGH).await;
        assert_eq!(meter_events(app, "state=sent").await.len(), 1, "Stripe took it, and looks at it later");
        deliver_thin(app, REPORT).await;
        let refused = meter_events(app, "state=refused").await;
        assert_eq!(refused.len(), 1);
        assert!(refused[0]["reason"].as_str().unwrap().starts_with("archived_meter"), "{}", refused[0]);
        // Once, however often we are told.
        deliver_thin(app, REPORT).await;
        let history = app.history(tenant).await;
        assert_eq!(history.iter().filter(|event| *event == "usage.export_refused").count(), 1);

        app.stripe("POST", &format!("/v1/billing/meters/{}/reactivate", meter_id(app)), &[]).await;
        let path = format!("/api/v1/admin/meter-events/{}/settle", refused[0]["id"].as_str().unwrap());
        let body = json!({"outcome": "send_again"});
        app.post(&path).bearer(&app.operator()).json(&body).await.expect(200);
        app.settle().await;
        let told = meter_events(app, "state=sent").await;
        assert_ne!(told[0]["identifier"], refused[0]["identifier"]);
        assert_eq!(at_stripe(app, tenant, "api_calls").await, "5");
    }

    async fn an_unknown_meter_is_told_too(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        use_calls(app, tenant, json!(5), 0).await;
        // As if the catalog had been pushed to another account.
        let mut conn = app.app.db.begin().await.unwrap();
        conn.query("UPDATE usage_billable SET meter = 'gone'").execute().await.unwrap();
        conn.commit().await.unwrap();
        app.advance(LONG_ENOUGH).await;
        deliver_thin(app, "v1.billing.meter.no_meter_found").await;
        let refused = meter_events(app, "state=refused").await;
        assert!(refused[0]["reason"].as_str().unwrap().starts_with("no_meter:"), "{}", refused[0]);
    }

    async fn what_waited_too_long_is_refused_and_not_forgotten(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        use_calls(app, tenant, json!(5), 0).await;
        app.advance(36 * DAY).await;
        app.card_on_file(tenant, "pm_card_visa").await;
        app.advance(1).await;
        let refused = meter_events(app, "state=refused").await;
        assert!(refused[0]["reason"].as_str().unwrap().contains("35 days"), "{}", refused[0]);
    }

    async fn a_meter_that_comes_to_something_else_is_drift(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        use_calls(app, tenant, json!(5), 0).await;
        app.advance(LONG_ENOUGH).await;
        let at = app.app.clock.now().as_second();
        app.advance(DAY).await;
        assert_eq!(reconcile(app, true).await["state"], "done");
        assert_eq!(drift(app, "needs_person").await.len(), 0);

        use_calls(app, tenant, json!(1), 0).await;
        app.advance(LONG_ENOUGH).await;
        app.stripe("POST", "/v1/billing/meter_events", &[
            ("event_name", "api_calls"), ("timestamp", &(at + DAY).to_string()), ("payload[value]", "2"),
            ("payload[stripe_customer_id]", customer(app, tenant).as_str()), ("identifier", "behind our back"),
        ]).await;
        app.advance(DAY + HOUR).await;
        reconcile(app, true).await;
        reconcile(app, true).await;
        let found = drift(app, "needs_person").await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["object"], "billing.meter_events");
        assert_eq!(found[0]["differences"], json!([{"field": "usage", "before": "1", "after": "3"}]));
        assert_eq!(found[0]["tenant_id"], tenant.to_string());
    }
}
