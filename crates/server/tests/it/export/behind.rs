//! What stands behind a line of an invoice.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use super::{DAY, HOUR, LONG_ENOUGH, use_calls};
use crate::harness::{Answer, TestApp, on_both_databases};

/// The newest invoice's first line.
async fn line(app: &TestApp, tenant: TenantId) -> String {
    let viewer = app.token(Role::Viewer, tenant);
    let path = format!("/api/v1/billing/tenants/{tenant}/invoices");
    let list = app.get(&path).bearer(&viewer).await.expect(200);
    let invoice = list["data"][0]["id"].as_str().unwrap().to_owned();
    let shown = app.get(&format!("{path}/{invoice}")).bearer(&viewer).await.expect(200);
    format!(
        "{path}/{invoice}/lines/{}",
        shown["lines"]["data"][0]["stripe_line_id"].as_str().unwrap()
    )
}

async fn behind(app: &TestApp, tenant: TenantId, query: &str) -> Answer {
    let viewer = app.token(Role::Viewer, tenant);
    app.get(&format!("{}/usage?{query}", line(app, tenant).await)).bearer(&viewer).await
}

on_both_databases! {
    async fn a_line_adds_up_to_what_was_used(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        for (quantity, wait) in [("100.25", HOUR), ("7", DAY), ("0.75", HOUR)] {
            use_calls(app, tenant, json!(quantity), 0).await;
            app.advance(wait).await;
        }
        app.advance(LONG_ENOUGH).await;
        app.advance(30 * DAY).await;
        let answer = behind(app, tenant, "").await;
        let shown = answer.json();
        assert_eq!(answer.status, 200, "{shown}");
        assert_eq!((&shown["quantity"], &shown["told"], &shown["agrees"]), (&json!(108), &json!(108), &json!(true)));
        assert_eq!((&shown["meter"], &shown["not_told"]), (&json!("api_calls"), &json!(0)));
        assert_eq!(shown["usage"], json!([
            {"start": "2026-11-20T00:00:00Z", "quantity": 107.25},
            {"start": "2026-11-21T00:00:00Z", "quantity": 0.75},
        ]));
        let hours = behind(app, tenant, "group=hour&limit=2").await.expect(200);
        let starts: Vec<&Value> = hours["usage"].as_array().unwrap().iter().map(|point| &point["start"]).collect();
        assert_eq!(starts, ["2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z", "2026-11-21T13:00:00Z"]);
        let events = &hours["meter_events"];
        assert_eq!(events["data"].as_array().unwrap().len(), 2);
        let next = format!("limit=2&cursor={}", events["next_cursor"].as_str().unwrap());
        let last = behind(app, tenant, &next).await.expect(200);
        let last = &last["meter_events"]["data"][0];
        assert_eq!((&last["quantity"], &last["state"]), (&json!(0.75), &json!("sent")));
        assert!(last["identifier"].as_str().is_some_and(|identifier| identifier.len() == 36));
        for query in ["group=week", "cursor=x", "limit=0", "since=1"] {
            behind(app, tenant, query).await.refused(422, "invalid_request");
        }
    }

    async fn a_line_that_counts_nothing_has_no_usage(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        behind(app, tenant, "").await.refused(404, "not_found");
        let other = app.tenant("Birch").await;
        let stranger = app.token(Role::Owner, other);
        let path = format!("{}/usage", line(app, tenant).await);
        app.get(&path).bearer(&stranger).await.refused(404, "not_found");
        app.get(&path).bearer(&app.operator()).await.refused(404, "not_found");
    }
}
