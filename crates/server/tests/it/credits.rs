//! Credits: what came, what was spent, what was lost; each balance explained line by line.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_server::{
    catalog::{actions::load, file, push::push},
    tasks,
};

use crate::{
    entitlements::{path, used},
    harness::{Answer, CATALOG, TestApp, on_both_databases},
};

const DAY: i64 = 86_400;

async fn grant(app: &TestApp, tenant: TenantId, body: Value) -> Answer {
    app.post(&path(tenant, "credits/grants")).bearer(&app.operator()).json(&body).await
}

async fn credits(app: &TestApp, tenant: TenantId) -> Value {
    let viewer = app.token(Role::Viewer, tenant);
    app.get(&path(tenant, "credits")).bearer(&viewer).await.expect(200)
}

/// Included, granted, rolled over, used, remaining and overage.
async fn stand(app: &TestApp, tenant: TenantId) -> [Value; 6] {
    let credits = credits(app, tenant).await;
    ["included", "granted", "rolled_over", "used", "remaining", "overage"]
        .map(|name| credits[name].clone())
}

fn figures(values: [u64; 6]) -> [Value; 6] {
    values.map(|value| json!(value))
}

/// Every line, oldest first: kind, amount, balance. The balances are checked on the way.
async fn lines(app: &TestApp, tenant: TenantId) -> Vec<String> {
    let viewer = app.token(Role::Viewer, tenant);
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let at = path(tenant, &format!("credits/entries?limit=3{cursor}"));
        let page = app.get(&at).bearer(&viewer).await.expect(200);
        entries.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    entries.reverse();
    let mut balance = 0.0;
    for (entry, number) in entries.iter().zip(1..) {
        assert_eq!(entry["number"], number);
        if entry["kind"] != "overage" {
            balance += entry["amount"].as_f64().unwrap();
        }
        assert!((entry["balance"].as_f64().unwrap() - balance).abs() < 1e-9, "{entries:?}");
    }
    let line =
        |it: &Value| format!("{} {} {}", it["kind"].as_str().unwrap(), it["amount"], it["balance"]);
    entries.iter().map(line).collect()
}

on_both_databases! {
    async fn what_expires_first_is_spent_first(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let forever = grant(app, tenant, json!({"amount": 100, "reason": "an outage"})).await.expect(201);
        assert_eq!((&forever["amount"], &forever["reason"], &forever["expires_at"]), (&json!(100), &json!("an outage"), &Value::Null));
        grant(app, tenant, json!({"amount": "50.5", "expires_at": "2026-11-30T12:00:00Z"})).await.expect(201);
        assert_eq!(credits(app, tenant).await["remaining"], 650.5);
        used(app, tenant, "inference", json!(30)).await;
        let answer = credits(app, tenant).await;
        assert_eq!((&answer["granted"], &answer["remaining"], &answer["overage"]), (&json!(120.5), &json!(620.5), &json!(0)));
        let lots: Vec<(&Value, &Value)> = answer["lots"].as_array().unwrap().iter().map(|lot| (&lot["left"], &lot["expires_at"])).collect();
        assert_eq!(lots, [
            (&json!(20.5), &json!("2026-11-30T12:00:00Z")),
            (&json!(500), &json!("2026-12-20T12:00:00Z")),
            (&json!(100), &Value::Null),
        ]);
        assert_eq!(answer["lots"][2]["grant_id"], forever["id"]);
        app.advance(10 * DAY).await;
        assert_eq!(stand(app, tenant).await, figures([500, 100, 0, 30, 600, 0]));
        used(app, tenant, "inference", json!(585)).await;
        assert_eq!(stand(app, tenant).await, figures([500, 15, 0, 615, 15, 0]));
        used(app, tenant, "inference", json!(100)).await;
        let answer = credits(app, tenant).await;
        assert_eq!((&answer["overage"], &answer["remaining"]), (&json!(85), &json!(0)));
        assert!(app.get(&path(tenant, "credits")).bearer(&app.operator()).await.text.contains("\"overage_cost\":0.17,"));
        // The next period: what is owed is told, and five hundred more are there.
        app.advance(20 * DAY + 60).await;
        assert_eq!(stand(app, tenant).await, figures([500, 0, 0, 0, 500, 0]));
        let lines = lines(app, tenant).await;
        let ends: Vec<&str> = lines.iter().rev().take(2).map(String::as_str).collect();
        assert_eq!(ends, ["included 500 500", "overage 85 0"], "{lines:?}");
        let viewer = app.token(Role::Viewer, tenant);
        let page = app.get(&path(tenant, "credits/entries")).bearer(&viewer).await;
        assert!(page.text.contains("\"cost\":0.17,\"currency\":\"usd\""), "{}", page.text);
    }

    /// The operations center's page, with a grant beside what is included.
    async fn the_page_of_usage_counts_grants(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        grant(app, tenant, json!({"amount": 50})).await.expect(201);
        used(app, tenant, "inference", json!(585)).await;
        let viewer = app.token(Role::Viewer, tenant);
        let answer = app.get("/api/v1/billing/usage").bearer(&viewer).await;
        assert!(answer.text.contains("\"overage_cost\":0.07,\"price_per_1k\":2.00,"), "{}", answer.text);
        let credits = answer.expect(200)["credits"].clone();
        for (field, value) in [("included_credits", 500), ("used", 585), ("remaining", 0), ("overage", 35)] {
            assert_eq!(credits[field], value, "{field}");
        }
    }

    async fn what_is_left_rolls_over_where_the_plan_says_so(app: &TestApp) {
        let rolling = CATALOG.replace("code = \"pro\"", "code = \"pro\"\nversion = 2")
            .replace("included = 500\n", "included = 500\nroll_over_days = 31\n");
        load(&app.app, &file::parse(&rolling).unwrap(), &[].into()).await.unwrap();
        push(&app.app).await.unwrap();
        let tenant = app.subscriber("Acme", "pro").await;
        used(app, tenant, "inference", json!(120)).await;
        app.advance(30 * DAY + 60).await;
        assert_eq!(stand(app, tenant).await, figures([500, 0, 380, 0, 880, 0]));
        used(app, tenant, "inference", json!(400)).await;
        assert_eq!(stand(app, tenant).await, figures([500, 0, 0, 400, 480, 0]));
        app.advance(31 * DAY).await;
        assert_eq!(stand(app, tenant).await, figures([500, 0, 480, 0, 980, 0]));
        app.advance(31 * DAY).await;
        assert_eq!(stand(app, tenant).await, figures([500, 0, 500, 0, 1000, 0]));
        let lines = lines(app, tenant).await;
        assert!(lines.contains(&"expired -480 500".to_owned()), "{lines:?}");
    }

    async fn another_plan_includes_more_from_that_day_on(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        used(app, tenant, "inference", json!(585)).await;
        assert_eq!(stand(app, tenant).await, figures([500, 0, 0, 585, 0, 85]));
        app.ask(tenant, "subscription/plan", &json!({"plan": "enterprise", "interval": "month", "when": "now"})).await.expect(200);
        app.settle().await;
        assert_eq!(stand(app, tenant).await, figures([20_000, 0, 0, 585, 19_415, 0]));
        app.advance(30 * DAY + 60).await;
        let lines = lines(app, tenant).await;
        assert!(!lines.iter().any(|line| line.starts_with("overage")), "{lines:?}");
        assert_eq!(stand(app, tenant).await, figures([20_000, 0, 0, 0, 20_000, 0]));
    }

    /// Reading more often, on two instances at once, or after a pause: the same lines.
    async fn readings_are_taken_once(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        grant(app, tenant, json!({"amount": 10, "expires_at": "2026-12-01T00:00:00Z"})).await.expect(201);
        used(app, tenant, "inference", json!(4)).await;
        app.advance(12 * DAY).await;
        let before = lines(app, tenant).await;
        assert_eq!(before[before.len() - 2..], ["spent -4 506", "expired -6 500"]);
        for _ in 0..3 {
            let (a, b) = tokio::join!(tasks::run_once(&app.app), tasks::run_once(&app.app));
            a.unwrap();
            b.unwrap();
        }
        assert_eq!(lines(app, tenant).await, before);
        // Its last minute's reports may still be on their way when a period ends.
        app.advance(18 * DAY + 1).await;
        let mut conn = app.app.db.read().await.unwrap();
        let readings = tollhouse_server::credits::queries::readings(&mut conn, tenant).await.unwrap();
        drop(conn);
        let of_first = |period: &str| readings.iter().filter(|row| row.period_start.to_string() == period).count();
        assert_eq!(of_first("2026-12-20T12:00:00Z"), 0);
        assert_eq!(stand(app, tenant).await, figures([500, 0, 0, 0, 500, 0]), "shown at once all the same");
        app.advance(60).await;
        assert_eq!(stand(app, tenant).await, figures([500, 0, 0, 0, 500, 0]));
    }

    async fn grants_are_told_and_bad_ones_refused(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let once = || app.post(&path(tenant, "credits/grants")).bearer(&app.operator())
            .header("idempotency-key", "once").json(&json!({"amount": 7}));
        let first = once().await.expect(201);
        assert_eq!(once().await.expect(201), first);
        assert_eq!(app.history(tenant).await, ["tenant.created", "credits.granted"]);
        let audit = app.get("/api/v1/admin/audit").bearer(&app.operator()).await.expect(200);
        assert_eq!(audit["data"][0]["action"], "credits.grant");
        for (body, field) in [
            (json!({}), "amount"),
            (json!({"amount": 0}), "amount"),
            (json!({"amount": -5}), "amount"),
            (json!({"amount": "many"}), "amount"),
            (json!({"amount": 5, "expires_at": "2026-11-20T12:00:00Z"}), "expires_at"),
            (json!({"amount": 5, "expires_at": "soon"}), "expires_at"),
            (json!({"amount": 5, "reason": "x".repeat(501)}), "reason"),
            (json!({"amount": 5, "expires": "never"}), "expires"),
        ] {
            let problem = grant(app, tenant, body.clone()).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{body}");
        }
        let owner = app.token(Role::Owner, tenant);
        app.post(&path(tenant, "credits/grants")).bearer(&owner).json(&json!({"amount": 5})).await.refused(403, "forbidden");
        for query in ["limit=0", "limit=101", "cursor=x", "form=1"] {
            app.get(&path(tenant, &format!("credits/entries?{query}"))).bearer(&owner).await.refused(422, "invalid_request");
        }
    }
}
