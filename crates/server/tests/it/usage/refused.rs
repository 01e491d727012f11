//! Bad reports get a clear refusal, and count nothing.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, usage::Quantity};

use super::{ever, load_meters, path, report};
use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    async fn a_bad_report_is_refused_at_its_field(app: &TestApp) {
        load_meters(app).await;
        let tenant = app.tenant("Acme").await;
        let with = |field: &str, value: Value| {
            let mut body = json!({"meter": "inference", "quantity": 1});
            body[field] = value;
            body
        };
        let cases = [
            (with("quantity", json!(-1)), "quantity"),
            (with("quantity", json!("NaN")), "quantity"),
            (with("quantity", json!("Infinity")), "quantity"),
            (with("quantity", json!(1e300)), "quantity"),
            (with("quantity", json!("1000000000000.1")), "quantity"),
            (with("quantity", json!("9".repeat(10_000))), "quantity"),
            (with("quantity", json!("0.0000000000001")), "quantity"),
            (with("quantity", Value::Null), "quantity"),
            (with("meter", json!("unheard_of")), "meter"),
            (with("meter", json!("x".repeat(10_000))), "meter"),
            (with("idempotency_key", json!("k".repeat(10_000))), "idempotency_key"),
            (with("idempotency_key", json!("")), "idempotency_key"),
            (with("idempotency_key", json!("a\nb")), "idempotency_key"),
            (with("occurred_at", json!("yesterday")), "occurred_at"),
            (with("occurred_at", json!("2026-10-16T11:59:59Z")), "occurred_at"),
            (with("occurred_at", json!("2026-11-20T12:05:01Z")), "occurred_at"),
            (with("properties", json!([1])), "properties"),
            (with("properties", json!({"x": "y".repeat(9_000)})), "properties"),
            (with("quantty", json!(1)), "quantty"),
            (with("tenant_id", json!(app.app.clock.new_id())), "tenant_id"),
            (json!({"quantity": 1}), "meter"),
            (json!({"meter": "requests", "quantity": 2}), "quantity"),
            (json!({"meter": "people", "properties": {"name": "ada"}}), "properties"),
            (json!({"meter": "peak", "quantity": -1}), "quantity"),
        ];
        for (body, field) in cases {
            let problem = report(app, tenant, body).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
            assert!(problem.to_string().len() < 2_000, "a refusal does not repeat what it refuses");
        }
        let member = app.token(Role::Member, tenant);
        let nan = "{\"meter\": \"inference\", \"quantity\": NaN}";
        app.post(&path(tenant)).bearer(&member).text(nan).await.refused(400, "malformed_request");
        let nul = json!({"meter": "inference", "quantity": 1, "idempotency_key": "\u{0}"});
        report(app, tenant, nul).await.refused(422, "invalid_request");
        let viewer = app.token(Role::Viewer, tenant);
        app.post(&path(tenant)).bearer(&viewer).text("{").await.refused(403, "forbidden");
        let nobody = tollhouse_domain::TenantId::from_uuid(app.app.clock.new_id());
        let body = json!({"meter": "inference", "quantity": 1});
        app.post(&path(nobody)).bearer(&app.operator()).json(&body).await.refused(404, "not_found");
        for meter in ["inference", "requests", "people", "peak"] {
            assert_eq!(ever(app, tenant, meter).await, Quantity::ZERO);
        }
    }

    async fn a_batch_is_bounded(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let operator = app.operator();
        let events = |count: usize| vec![json!({"tenant_id": tenant, "meter": "inference", "quantity": 1}); count];
        let send = |body: Value| {
            let call = app.post("/api/v1/usage/batch").bearer(&operator).json(&body);
            async move { call.await }
        };
        send(json!({"events": events(1001)})).await.refused(422, "invalid_request");
        send(json!({"events": []})).await.refused(422, "invalid_request");
        send(json!({"event": events(1)})).await.refused(422, "invalid_request");
        let answer = send(json!({"events": events(1000)})).await.expect(202);
        assert_eq!(answer["counted"], 1000);
        assert_eq!(ever(app, tenant, "inference").await, Quantity::from_whole(1000));
    }

    /// A total that no longer fits is refused by the database; nobody else's report is lost with it.
    async fn a_report_that_the_database_refuses_stands_alone(app: &TestApp) {
        let (tenant, other) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let mut tx = app.app.db.begin().await.unwrap();
        tx.query("INSERT INTO usage_rollups (tenant_id, per, starts_at, meter, events, whole, trillionths)")
            .values(&[tenant], |row, tenant| {
                let day: tollhouse_domain::Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
                row.column(tenant).column(&"day").column(&day).column(&"inference")
                    .column(&1_i64).column(&i64::MAX).column(&0_i64)
            })
            .execute()
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let body = || json!({"meter": "inference", "quantity": 1});
        let all = tokio::join!(
            report(app, other, body()), report(app, tenant, body()), report(app, other, body()),
            report(app, other, body()), report(app, other, body()),
        );
        all.1.refused(503, "not_ready");
        assert_eq!([all.0.status, all.2.status, all.3.status, all.4.status], [202; 4]);
        assert_eq!(ever(app, other, "inference").await, Quantity::from_whole(4));
    }
}
