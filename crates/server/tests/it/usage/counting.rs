//! What is reported is counted once, in every window it belongs to.

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tollhouse_domain::{
    actor::Role,
    usage::{Quantity, Window},
};
use tollhouse_server::router;

use super::{batch, count, ever, load_meters, path, report, total};
use crate::harness::{Answer, TestApp, on_both_databases};

const HOUR: &str = "2026-11-20T12:00:00Z";
const DAY: &str = "2026-11-20T00:00:00Z";
const MONTH: &str = "2026-11-01T00:00:00Z";

on_both_databases! {
    async fn the_same_key_counts_once(app: &TestApp) {
        let (tenant, other) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let body = json!({"meter": "inference", "quantity": 3, "idempotency_key": "call-1"});
        let first = report(app, tenant, body.clone()).await.expect(202);
        assert_eq!(first["duplicate"], false);
        let again = report(app, tenant, body.clone()).await.expect(202);
        assert_eq!(again, json!({"id": first["id"], "duplicate": true}));
        // Another tenant's key is another key.
        assert_eq!(report(app, other, body).await.expect(202)["duplicate"], false);
        assert_eq!(total(app, tenant, Window::Day, DAY, "inference").await, ("3".to_owned(), 1));
        // The header does the same for a report without a key of its own.
        let member = app.token(Role::Member, tenant);
        let once = || app.post(&path(tenant)).bearer(&member).header("idempotency-key", "once")
            .json(&json!({"meter": "inference", "quantity": "0.5"}));
        let (first, again) = (once().await.expect(202), once().await.expect(202));
        assert_eq!(first, again);
        assert_eq!(total(app, tenant, Window::Day, DAY, "inference").await, ("3.5".to_owned(), 2));
    }

    async fn each_aggregation_adds_up_in_its_own_way(app: &TestApp) {
        load_meters(app).await;
        let tenant = app.tenant("Acme").await;
        let say = |body: Value| async move { report(app, tenant, body).await.expect(202) };
        for quantity in [json!(2), json!("0.000000000001"), json!(0.999_999_999_999), json!(7)] {
            count(app, tenant, "inference", quantity.clone()).await;
            say(json!({"meter": "peak", "quantity": quantity})).await;
            say(json!({"meter": "requests"})).await;
        }
        for (moment, level) in [("11:00:00", 4), ("11:30:00", -9), ("10:00:00", 8)] {
            let occurred_at = format!("2026-11-20T{moment}Z");
            say(json!({"meter": "storage_gb", "quantity": level, "occurred_at": occurred_at})).await;
        }
        for person in ["ada", "bob", "ada"] {
            say(json!({"meter": "people", "properties": {"person": person}})).await;
        }
        // In one commit, and again over several.
        let events = ["ada", "cid", "cid"].map(|person|
            json!({"tenant_id": tenant, "meter": "people", "properties": {"person": person}}));
        batch(app, json!(events)).await;
        for (per, start) in [(Window::Hour, HOUR), (Window::Day, DAY), (Window::Month, MONTH), (Window::Period, MONTH)] {
            let of = |meter: &'static str| total(app, tenant, per, start, meter);
            assert_eq!(of("inference").await, ("10".to_owned(), 4), "{per}");
            assert_eq!(of("peak").await, ("7".to_owned(), 4), "{per}");
            assert_eq!(of("requests").await, ("4".to_owned(), 4), "{per}");
            assert_eq!(of("people").await, ("3".to_owned(), 6), "{per}");
        }
        assert_eq!(total(app, tenant, Window::Day, DAY, "storage_gb").await, ("-9".to_owned(), 3));
        assert_eq!(total(app, tenant, Window::Hour, "2026-11-20T10:00:00Z", "storage_gb").await, ("8".to_owned(), 1));
    }

    async fn a_later_report_of_the_same_moment_replaces_a_gauge(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        for level in [20, 10, 15] {
            count(app, tenant, "storage_gb", json!(level)).await;
        }
        assert_eq!(total(app, tenant, Window::Month, MONTH, "storage_gb").await, ("15".to_owned(), 3));
    }

    /// However they arrive and how often: a hundred reports, each sent three times, side by side.
    async fn repetition_and_order_change_nothing(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let service = router(&app.app);
        let member = app.token(Role::Member, tenant);
        let mut sent = JoinSet::new();
        for number in 0..300_u32 {
            let key = (number * 7) % 100;
            let body = json!({"meter": "inference", "quantity": key, "idempotency_key": format!("k{key}")});
            let request = axum::http::Request::post(path(tenant))
                .header("authorization", format!("Bearer {member}"))
                .body(axum::body::Body::from(body.to_string()))
                .unwrap();
            sent.spawn(Answer::of(service.clone(), request));
        }
        let mut ids = std::collections::BTreeMap::new();
        let mut counted = 0;
        while let Some(answer) = sent.join_next().await {
            let answer = answer.unwrap().expect(202);
            *ids.entry(answer["id"].as_str().unwrap().to_owned()).or_insert(0) += 1;
            counted += usize::from(answer["duplicate"] == false);
        }
        assert_eq!((counted, ids.len()), (100, 100));
        assert!(ids.values().all(|times| *times == 3), "{ids:?}");
        assert_eq!(ever(app, tenant, "inference").await, Quantity::from_whole(4950));
        assert_eq!(total(app, tenant, Window::Month, MONTH, "inference").await, ("4950".to_owned(), 100));
    }

    async fn a_late_report_is_an_adjustment_once_its_period_is_closed(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        let (start, next) = ("2026-11-20T12:00:00Z", "2026-12-20T12:00:00Z");
        let late = |key: &str| json!({
            "meter": "inference", "quantity": 5, "idempotency_key": key, "occurred_at": "2026-12-20T11:59:59Z",
        });
        app.advance(30 * 86_400 - 1).await;
        report(app, tenant, late("in time")).await.expect(202);
        assert_eq!(total(app, tenant, Window::Period, start, "inference").await, ("5".to_owned(), 1));
        app.advance(1).await;
        report(app, tenant, late("late")).await.expect(202);
        count(app, tenant, "inference", json!(2)).await;
        assert_eq!(total(app, tenant, Window::Period, start, "inference").await, ("5".to_owned(), 1));
        assert_eq!(total(app, tenant, Window::Period, next, "inference").await, ("7".to_owned(), 2));
        assert_eq!(total(app, tenant, Window::Adjustment, next, "inference").await, ("5".to_owned(), 1));
        // By the calendar it is where it was.
        let hour = "2026-12-20T11:00:00Z";
        assert_eq!(total(app, tenant, Window::Hour, hour, "inference").await, ("10".to_owned(), 2));
    }

    async fn a_batch_answers_for_each_of_its_reports(app: &TestApp) {
        let (tenant, other) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let nobody = app.app.clock.new_id();
        let answer = batch(app, json!([
            {"tenant_id": tenant, "meter": "inference", "quantity": 1, "idempotency_key": "a"},
            {"tenant_id": other, "meter": "inference", "quantity": 2, "idempotency_key": "a"},
            {"tenant_id": tenant, "meter": "inference", "quantity": 1, "idempotency_key": "a"},
            {"tenant_id": nobody, "meter": "inference", "quantity": 1},
            {"tenant_id": tenant, "meter": "unheard_of", "quantity": 1},
            {"tenant_id": tenant, "meter": "inference", "quantity": -1},
            {"tenant_id": tenant, "meter": "inference"},
            {"tenant_id": tenant, "metre": "inference", "quantity": 1},
            7,
        ])).await;
        assert_eq!((&answer["counted"], &answer["duplicates"], &answer["refused"]), (&json!(2), &json!(1), &json!(6)));
        let results = answer["results"].as_array().unwrap();
        assert_eq!(results[2], json!({"id": results[0]["id"], "duplicate": true}));
        assert_eq!(results[3]["code"], "not_found");
        for (index, field) in [(4, "meter"), (5, "quantity"), (6, "quantity"), (7, "metre")] {
            assert_eq!((&results[index]["code"], &results[index]["field"]), (&json!("invalid_request"), &json!(field)));
        }
        assert_eq!(results[8]["code"], "invalid_request");
        assert_eq!(total(app, other, Window::Day, DAY, "inference").await, ("2".to_owned(), 1));
        // One row for the batch, not one for each report.
        let audit = app.get("/api/v1/admin/audit").bearer(&app.operator()).await.expect(200);
        let rows: Vec<&Value> = audit["data"].as_array().unwrap().iter().filter(|row| row["action"] == "usage.record").collect();
        assert_eq!(rows.len(), 1);
        assert_eq!((&rows[0]["data"], &rows[0]["actor"], &rows[0]["tenant_id"]), (&json!({"events": 2}), &json!("operator@test"), &Value::Null));
    }

    async fn usage_is_reported_by_the_item_of_a_subscription(app: &TestApp) {
        let (metered, flat) = (app.subscriber("Acme", "metered").await, app.subscriber("Birch", "pro").await);
        let items: Vec<(String, String)> = app.simulator.objects("subscription").iter().map(|subscription| {
            let tenant = subscription["metadata"]["tenant_id"].as_str().unwrap().to_owned();
            (tenant, subscription["items"]["data"][0]["id"].as_str().unwrap().to_owned())
        }).collect();
        let item = |tenant: String| items.iter().find(|(of, _)| *of == tenant).unwrap().1.clone();
        let operator = app.operator();
        let record = |body: Value| {
            let call = app.post("/api/v1/stripe/usage/record").bearer(&operator).json(&body);
            async move { call.await }
        };
        let body = json!({"subscription_item_id": item(metered.to_string()), "quantity": 4, "timestamp": 1_795_175_000});
        record(body).await.expect(202);
        let body = json!({"subscription_item_id": item(metered.to_string()), "quantity": "2", "timestamp": "2026-11-20T11:00:00Z"});
        record(body).await.expect(202);
        assert_eq!(total(app, metered, Window::Hour, "2026-11-20T11:00:00Z", "api_calls").await, ("6".to_owned(), 2));
        let body = json!({"subscription_item_id": item(flat.to_string()), "quantity": 4});
        record(body).await.refused(422, "invalid_request");
        record(json!({"subscription_item_id": "si_nobody", "quantity": 4})).await.refused(404, "not_found");
        let admin = app.token(Role::Admin, metered);
        app.post("/api/v1/stripe/usage/record").bearer(&admin).json(&json!({})).await.refused(403, "forbidden");
    }

    async fn tracking_shows_usage_beside_limits(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let operator = app.operator();
        let path = format!("/api/v1/stripe/tenants/{tenant}/usage/track");
        let track = |body: Value| {
            let call = app.post(&path).bearer(&operator).json(&body);
            async move { call.await }
        };
        let answer = track(json!({"api_calls": 60, "storage_gb": 3.5})).await.expect(200);
        let line = |used: u64, remaining: u64, exceeded: bool| json!([{
            "meter": "api_calls", "per": "day", "used": used, "limit": 100, "remaining": remaining,
            "exceeded": exceeded, "hard": true, "resets_at": "2026-11-21T00:00:00Z",
        }]);
        assert_eq!(answer["usage"], line(60, 40, false));
        // What was used, was used.
        let answer = track(json!({"api_calls": "60"})).await.expect(200);
        assert_eq!(answer["usage"], line(120, 0, true));
        app.advance(86_400).await;
        // Beside an add-on's ceiling, the present value counts, whenever it was reported.
        app.subscribe(tenant, "enterprise").await;
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.expect(201);
        app.settle().await;
        app.advance(20 * 86_400).await;
        let answer = track(json!({"inference": 1})).await.expect(200);
        let line = |used: f64, remaining: f64| json!([{
            "meter": "storage_gb", "per": "gauge", "used": used, "limit": 100, "remaining": remaining,
            "exceeded": false, "hard": true, "resets_at": null,
        }]);
        assert_eq!(answer["usage"], line(3.5, 96.5));
        let answer = track(json!({"storage_gb": 1.25})).await.expect(200);
        assert_eq!(answer["usage"], line(1.25, 98.75));
        // All or nothing.
        let problem = track(json!({"inference": 5, "unheard_of": 1, "storage_gb": "x"})).await.refused(422, "invalid_request");
        let fields: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["storage_gb", "unheard_of"]);
        assert_eq!(ever(app, tenant, "inference").await, Quantity::from_whole(1));
    }
}
