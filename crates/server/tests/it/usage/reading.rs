//! What was counted is read from roll-ups: today, this month, in credits, and over time.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use super::{batch, count, load_meters, path, report};
use crate::harness::{TestApp, on_both_databases};

async fn summary(app: &TestApp, tenant: TenantId) -> Value {
    let viewer = app.token(Role::Viewer, tenant);
    app.get("/api/v1/billing/usage").bearer(&viewer).await.expect(200)
}

async fn series(app: &TestApp, tenant: TenantId, query: &str) -> Value {
    let viewer = app.token(Role::Viewer, tenant);
    app.get(&format!("{}?{query}", path(tenant))).bearer(&viewer).await.expect(200)
}

/// Start and quantity of each point.
fn points(series: &Value) -> Vec<(&str, String)> {
    let points = series["data"].as_array().unwrap().iter();
    points.map(|point| (point["start"].as_str().unwrap(), point["quantity"].to_string())).collect()
}

on_both_databases! {
    /// The operations center's own figures, digit by digit.
    async fn five_hundred_included_and_585_used(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        count(app, tenant, "inference", json!(580)).await;
        count(app, tenant, "embedding", json!(50)).await;
        let viewer = app.token(Role::Viewer, tenant);
        let answer = app.get("/api/v1/billing/usage").bearer(&viewer).await;
        let text = answer.text.clone();
        assert_eq!(answer.expect(200), json!({
            "usage": {
                "today": {"inference": 580, "embedding": 50, "api_calls": 0, "storage_gb": 0},
                "month": {"inference": 580, "embedding": 50, "api_calls": 0, "storage_gb": 0},
            },
            "credits": {
                "tier": "pro", "included_credits": 500, "used": 585, "remaining": 0, "overage": 85,
                "overage_cost": 0.17, "price_per_1k": 2.0, "currency": "usd",
                "period_start": "2026-11-20T12:00:00Z", "period_end": "2026-12-20T12:00:00Z",
            },
            "tier": "pro",
        }));
        assert!(text.contains("\"overage_cost\":0.17,\"price_per_1k\":2.00,"), "{text}");
    }

    async fn without_a_subscription_the_free_plan_counts_by_the_month(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        assert_eq!(summary(app, tenant).await["credits"]["remaining"], 50);
        let yesterday = json!({"meter": "inference", "quantity": 12.5, "occurred_at": "2026-11-19T23:59:59Z"});
        report(app, tenant, yesterday).await.expect(202);
        count(app, tenant, "inference", json!("0.25")).await;
        let answer = summary(app, tenant).await;
        assert_eq!(answer["usage"]["today"]["inference"], 0.25);
        assert_eq!(answer["usage"]["month"]["inference"], 12.75);
        assert_eq!((&answer["credits"]["used"], &answer["credits"]["remaining"]), (&json!(12.75), &json!(37.25)));
        assert_eq!((&answer["tier"], &answer["credits"]["period_end"]), (&json!("free"), &json!("2026-12-01T00:00:00Z")));
        app.advance(11 * 86_400).await;
        let answer = summary(app, tenant).await;
        assert_eq!((&answer["usage"]["month"]["inference"], &answer["credits"]["used"]), (&json!(0), &json!(0)));
    }

    async fn a_plan_without_credits_charges_nothing_for_them(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        count(app, tenant, "api_calls", json!(7)).await;
        let credits = summary(app, tenant).await["credits"].clone();
        for (field, value) in [("included_credits", 0), ("used", 7), ("remaining", 0), ("overage", 7)] {
            assert_eq!(credits[field], value, "{field}");
        }
        assert_eq!((&credits["overage_cost"], &credits["currency"]), (&json!(0.0), &json!("usd")));
    }

    async fn a_billing_period_starts_from_nothing_and_shows_what_came_late(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        count(app, tenant, "inference", json!(30)).await;
        app.advance(30 * 86_400).await;
        assert_eq!(summary(app, tenant).await["credits"]["used"], 0);
        let late = json!({"meter": "inference", "quantity": 4, "occurred_at": "2026-12-20T11:00:00Z"});
        report(app, tenant, late).await.expect(202);
        count(app, tenant, "inference", json!(1)).await;
        assert_eq!(summary(app, tenant).await["credits"]["used"], 5);
        let answer = series(app, tenant, "group=period&meter=inference").await;
        assert_eq!(points(&answer), [("2026-11-20T12:00:00Z", "30".to_owned()), ("2026-12-20T12:00:00Z", "5".to_owned())]);
        assert_eq!((&answer["data"][0]["adjustment"], &answer["data"][1]["adjustment"]), (&Value::Null, &json!(4)));
    }

    async fn usage_over_time_is_grouped(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let moments = ["2026-10-31T23:30:00Z", "2026-11-01T00:00:00Z", "2026-11-01T00:59:59.999999Z", "2026-11-01T01:00:00Z"];
        let events: Vec<Value> = moments
            .iter()
            .flat_map(|moment| ["inference", "embedding"].map(|meter| json!({
                "tenant_id": tenant, "meter": meter, "quantity": 1, "occurred_at": moment,
            })))
            .collect();
        batch(app, json!(events)).await;
        let range = "meter=inference&from=2026-10-31T23:59:00Z&to=2026-11-02T00:00:00Z";
        let one = |start: &'static str, quantity: &str| (start, quantity.to_owned());
        for (group, expected) in [
            ("hour", vec![one("2026-10-31T23:00:00Z", "1"), one("2026-11-01T00:00:00Z", "2"), one("2026-11-01T01:00:00Z", "1")]),
            ("day", vec![one("2026-10-31T00:00:00Z", "1"), one("2026-11-01T00:00:00Z", "3")]),
            ("month", vec![one("2026-10-01T00:00:00Z", "1"), one("2026-11-01T00:00:00Z", "3")]),
        ] {
            let answer = series(app, tenant, &format!("{range}&group={group}")).await;
            assert_eq!(points(&answer), expected, "{group}");
            assert_eq!(answer["group"], group);
        }
        // Half-open: a window that begins at `to` is not in it.
        let answer = series(app, tenant, "group=hour&from=2026-11-01T00:00:00Z&to=2026-11-01T01:00:00Z").await;
        let meters: Vec<&Value> = answer["data"].as_array().unwrap().iter().map(|point| &point["meter"]).collect();
        assert_eq!(meters, ["embedding", "inference"]);
        assert_eq!((&answer["data"][0]["quantity"], &answer["data"][0]["events"]), (&json!(2), &json!(2)));
    }

    /// With the events gone, every answer is the same: only roll-ups are read.
    async fn reading_does_not_look_at_events(app: &TestApp) {
        load_meters(app).await;
        let tenant = app.tenant("Acme").await;
        let events: Vec<Value> = (0..50).flat_map(|number| [
            json!({"tenant_id": tenant, "meter": "inference", "quantity": number}),
            json!({"tenant_id": tenant, "meter": "people", "properties": {"person": number % 7}}),
        ]).collect();
        batch(app, json!(events)).await;
        let before = (summary(app, tenant).await, series(app, tenant, "group=hour").await);
        assert_eq!(before.0["usage"]["today"]["people"], 7);
        let mut tx = app.app.db.begin().await.unwrap();
        tx.query("DELETE FROM usage_events").execute().await.unwrap();
        tx.query("DELETE FROM usage_values").execute().await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((summary(app, tenant).await, series(app, tenant, "group=hour").await), before);
    }

    async fn a_bad_question_is_refused(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let viewer = app.token(Role::Viewer, tenant);
        for (query, field) in [
            ("group=week", "group"),
            ("group=adjustment", "group"),
            ("meter=unheard_of", "meter"),
            ("from=yesterday", "from"),
            ("to=tomorrow", "to"),
            ("from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z", "from"),
            ("group=hour&from=2026-10-01T00:00:00Z&to=2026-11-20T00:00:00Z", "from"),
            ("form=2026-11-20T00:00:00Z", "query"),
        ] {
            let call = app.get(&format!("{}?{query}", path(tenant))).bearer(&viewer);
            let problem = call.await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{query}");
        }
    }
}
