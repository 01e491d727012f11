//! From a report to the line of an invoice.

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;

use super::{DAY, HOUR, LONG_ENOUGH, at_stripe, backlog, meter_events, use_calls};
use crate::{
    harness::{TestApp, on_both_databases},
    usage::{count, report},
};

on_both_databases! {
    async fn what_is_used_is_billed_exactly(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        app.advance(90).await;
        for (quantity, seconds_ago) in [(json!(700), 5), (json!("800.5"), 3)] {
            use_calls(app, tenant, quantity, seconds_ago).await;
        }
        assert_eq!(meter_events(app, "").await, Vec::<Value>::new(), "what is reported within a minute goes together");
        app.advance(LONG_ENOUGH).await;
        let told = meter_events(app, "").await;
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0]["quantity"], &told[0]["state"]), (&json!(1500.5), &json!("sent")));
        assert_eq!(told[0]["told_at"], "2026-11-20T12:00:00Z");

        // More in the same hour, and later what came late: each only the difference, under its own identifier.
        use_calls(app, tenant, json!(100), 1).await;
        app.advance(LONG_ENOUGH).await;
        app.advance(2 * HOUR).await;
        use_calls(app, tenant, json!("0.5"), 2 * HOUR).await;
        use_calls(app, tenant, json!(399), 0).await;
        app.advance(LONG_ENOUGH).await;
        let told = meter_events(app, "state=sent").await;
        let said: Vec<(&Value, &Value)> = told.iter().map(|event| (&event["told_at"], &event["quantity"])).collect();
        let hour = |hour: &str| json!(format!("2026-11-20T{hour}:00:00Z"));
        let (noon, two) = (hour("12"), hour("14"));
        assert_eq!(said, [(&noon, &json!(1500.5)), (&noon, &json!(100)), (&noon, &json!(0.5)), (&two, &json!(399))]);
        assert_eq!(at_stripe(app, tenant, "api_calls").await, "2000");

        app.advance(30 * DAY).await;
        let viewer = app.token(Role::Viewer, tenant);
        let list = app.get(&format!("/api/v1/billing/tenants/{tenant}/invoices")).bearer(&viewer).await.expect(200);
        let path = format!("/api/v1/billing/tenants/{tenant}/invoices/{}", list["data"][0]["id"].as_str().unwrap());
        let invoice = app.get(&path).bearer(&viewer).await;
        // A thousand at 0.02, a thousand at 0.01.
        assert!(invoice.text.contains(r#""total":30.00,"#), "{}", invoice.text);
        let line = invoice.expect(200)["lines"]["data"][0].clone();
        assert_eq!((&line["meter"], &line["quantity"], &line["amount"]), (&json!("api_calls"), &json!(2000), &json!(30.0)));
        assert_eq!(backlog(app).await, json!({"hours_due": 0, "hours_waiting": 0, "pending": 0, "refused": 0, "unclear": 0}));
    }

    async fn nothing_is_billed_into_a_period_that_is_over(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        app.advance(30 * DAY - 10).await;
        use_calls(app, tenant, json!(10), 5).await;
        // Reported in time; told when the next period has begun.
        app.advance(LONG_ENOUGH).await;
        use_calls(app, tenant, json!(3), HOUR).await;
        app.advance(LONG_ENOUGH).await;
        let told = meter_events(app, "").await;
        let moments: Vec<&Value> = told.iter().map(|event| &event["told_at"]).collect();
        assert_eq!(moments, [&json!("2026-12-20T12:00:00Z"), &json!("2026-12-20T12:00:00Z")]);
        app.advance(31 * DAY + 2 * HOUR).await;
        let viewer = app.token(Role::Viewer, tenant);
        let list = app.get(&format!("/api/v1/billing/tenants/{tenant}/invoices")).bearer(&viewer).await.expect(200);
        let totals: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|invoice| &invoice["total"]).collect();
        assert_eq!(totals, [&json!(0.26), &json!(0.0), &json!(0.0)], "the newest first");
    }

    async fn a_tenant_without_a_customer_waits(app: &TestApp) {
        let (early, never) = (app.tenant("Early").await, app.tenant("Never").await);
        use_calls(app, early, json!(5), 0).await;
        use_calls(app, never, json!(7), 0).await;
        app.advance(LONG_ENOUGH).await;
        assert_eq!(backlog(app).await["hours_waiting"], 2);
        assert_eq!(meter_events(app, "").await.len(), 0);
        // More of the same hour does not make it hurry.
        use_calls(app, early, json!(1), 30).await;
        app.advance(LONG_ENOUGH).await;
        assert_eq!(backlog(app).await["hours_waiting"], 2);

        app.subscribe(early, "metered").await;
        app.advance(1).await;
        let told = meter_events(app, "").await;
        assert_eq!((told.len(), &told[0]["quantity"], &told[0]["state"]), (1, &json!(6), &json!("sent")));
        assert_eq!(told[0]["told_at"], "2026-11-20T12:00:00Z", "before it subscribed: nothing is billed for it");
        assert_eq!(backlog(app).await["hours_waiting"], 1);
        app.advance(30 * DAY + 2 * HOUR).await;
        let viewer = app.token(Role::Viewer, early);
        let list = app.get(&format!("/api/v1/billing/tenants/{early}/invoices")).bearer(&viewer).await.expect(200);
        assert_eq!(list["data"][0]["total"], json!(0.0));
    }

    async fn only_what_is_at_stripe_is_told(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        count(app, tenant, "inference", json!(5)).await;
        count(app, tenant, "storage_gb", json!(5)).await;
        report(app, tenant, json!({"meter": "api_calls", "quantity": 0})).await.expect(202);
        app.advance(LONG_ENOUGH).await;
        assert_eq!(meter_events(app, "").await.len(), 0, "and nothing is told of nothing");
    }
}
