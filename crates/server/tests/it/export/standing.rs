//! Meters that do not add up: Stripe is told where the period stands.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_server::catalog::{actions::load, file, push::push};

use super::{HOUR, LONG_ENOUGH, at_stripe, meter_events};
use crate::{
    harness::{CATALOG, TestApp, on_both_databases},
    usage::{METERS, path},
};

/// Every meter of the tests, at Stripe.
async fn export_all(app: &TestApp) {
    let catalog = format!("{METERS}{CATALOG}").replace("[[meter]]", "[[meter]]\nexport = true");
    load(&app.app, &file::parse(&catalog).unwrap(), &[].into()).await.unwrap();
    push(&app.app).await.unwrap();
}

async fn say(app: &TestApp, tenant: TenantId, body: Value) {
    let member = app.token(Role::Member, tenant);
    app.post(&path(tenant)).bearer(&member).json(&body).await.expect(202);
}

on_both_databases! {
    async fn a_period_stands_at_stripe_as_it_does_here(app: &TestApp) {
        export_all(app).await;
        let tenant = app.subscriber("Acme", "metered").await;
        app.advance(3 * HOUR).await;
        let now = app.app.clock.now();
        let earlier = now.plus_seconds(-2 * HOUR);
        let seen = |person: &str, at| json!({"meter": "people", "properties": {"person": person}, "occurred_at": at});
        for body in [
            json!({"meter": "peak", "quantity": 7}),
            json!({"meter": "storage_gb", "quantity": 40}),
            json!({"meter": "requests"}),
            seen("ada", now),
        ] {
            say(app, tenant, body).await;
        }
        app.advance(LONG_ENOUGH).await;
        let told = async |app: &TestApp| {
            let mut values = Vec::new();
            for meter in ["peak", "storage_gb", "requests", "people"] {
                values.push(at_stripe(app, tenant, meter).await);
            }
            values
        };
        assert_eq!(told(app).await, ["7", "40", "1", "1"]);
        // Late ones of an hour before: the last word at Stripe is still where the period stands.
        for body in [
            json!({"meter": "peak", "quantity": 9, "occurred_at": earlier}),
            json!({"meter": "storage_gb", "quantity": 10, "occurred_at": earlier}),
            json!({"meter": "requests", "occurred_at": earlier}),
            seen("ada", earlier),
            seen("grace", earlier),
        ] {
            say(app, tenant, body).await;
        }
        app.advance(LONG_ENOUGH).await;
        assert_eq!(told(app).await, ["9", "40", "2", "2"]);
        let peaks = meter_events(app, "meter=peak").await;
        let at: Vec<&Value> = peaks.iter().map(|event| &event["told_at"]).collect();
        assert_eq!(at, [&json!("2026-11-20T15:00:00Z"), &json!("2026-11-20T15:00:01Z")]);
    }

    async fn a_meter_of_stripes_that_counts_otherwise_is_not_taken(app: &TestApp) {
        app.stripe("POST", "/v1/billing/meters", &[
            ("display_name", "Inference"), ("event_name", "inference"), ("default_aggregation[formula]", "count"),
        ]).await;
        let catalog = CATALOG.replacen("[[meter]]", "[[meter]]\nexport = true", 1);
        load(&app.app, &file::parse(&catalog).unwrap(), &[].into()).await.unwrap();
        let refused = push(&app.app).await.unwrap_err();
        assert!(refused.to_string().contains("must count by `sum`"), "{refused}");
    }
}
