//! Reports line by line: good ones are counted, bad ones are named by their number.

use axum::{
    body::{Body, Bytes},
    http::Request,
};
use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId, usage::Quantity};
use tollhouse_server::router;

use super::ever;
use crate::harness::{Answer, TestApp, on_both_databases};

/// Sends a body in such chunks, and gives the lines of the answer.
async fn send(
    app: &TestApp,
    token: &str,
    chunks: Vec<Result<Bytes, std::io::Error>>,
) -> Vec<Value> {
    let request = Request::post("/api/v1/usage/batch")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/x-ndjson; charset=utf-8")
        .body(Body::from_stream(tokio_stream::iter(chunks)))
        .unwrap();
    let answer = Answer::of(router(&app.app), request).await;
    assert_eq!(
        (answer.status, answer.header("content-type").as_str()),
        (200, "application/x-ndjson")
    );
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn line(tenant: TenantId, key: usize) -> String {
    json!({"tenant_id": tenant, "meter": "inference", "quantity": 1, "idempotency_key": format!("k{key}")})
        .to_string()
}

/// A body, cut into chunks of so many bytes.
fn chunks(body: &str, size: usize) -> Vec<Result<Bytes, std::io::Error>> {
    body.as_bytes().chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect()
}

on_both_databases! {
    async fn good_lines_count_and_bad_ones_are_named(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let too_long = format!("{{\"meter\": \"{}\"}}", "x".repeat(70_000));
        let nobody = TenantId::from_uuid(app.app.clock.new_id());
        let body = [
            line(tenant, 1),
            String::new(),
            "{\"tenant_id\": half of a li".to_owned(),
            line(tenant, 2),
            line(tenant, 1),
            too_long,
            line(nobody, 1),
            json!({"tenant_id": tenant, "meter": "inference", "quantity": "1e400"}).to_string(),
            format!("{}\r", line(tenant, 3)),
        ]
        .join("\n");
        for (size, counted, duplicates) in [(1000, 3, 1), (7, 0, 4)] {
            let answer = send(app, &app.operator(), chunks(&body, size)).await;
            let named: Vec<(u64, &str)> = answer
                .iter()
                .filter_map(|line| Some((line["line"].as_u64()?, line["code"].as_str()?)))
                .collect();
            let expected = [(3, "malformed_request"), (6, "invalid_request"), (7, "not_found"), (8, "invalid_request")];
            assert_eq!(named, expected);
            let sums = json!({"lines": 8, "counted": counted, "duplicates": duplicates, "refused": 4, "complete": true});
            assert_eq!(answer.last(), Some(&sums));
        }
        assert_eq!(ever(app, tenant, "inference").await, Quantity::from_whole(3));
    }

    async fn a_body_may_be_longer_than_any_other(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let lines: Vec<String> = (0..12_000).map(|key| line(tenant, key) + "\n").collect();
        let body = lines.concat();
        assert!(body.len() > app.app.config.server.body_bytes_max);
        let answer = send(app, &app.operator(), chunks(&body, 50_000)).await;
        let sums = json!({"lines": 12_000, "counted": 12_000, "duplicates": 0, "refused": 0, "complete": true});
        assert_eq!(answer, [sums]);
        assert_eq!(ever(app, tenant, "inference").await, Quantity::from_whole(12_000));
    }

    async fn a_body_that_breaks_off_is_counted_as_far_as_it_came(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let mut sent = chunks(&format!("{}\n{}", line(tenant, 1), line(tenant, 2)), 1_000);
        sent.push(Err(std::io::Error::other("gone")));
        let answer = send(app, &app.operator(), sent).await;
        let sums = json!({"lines": 1, "counted": 1, "duplicates": 0, "refused": 0, "complete": false});
        assert_eq!(answer, [sums]);
        // Sent again as a whole, each line counts once.
        let body = format!("{}\n{}", line(tenant, 1), line(tenant, 2));
        let answer = send(app, &app.operator(), chunks(&body, 1_000)).await;
        assert_eq!((&answer[0]["counted"], &answer[0]["duplicates"]), (&json!(1), &json!(1)));
    }

    async fn a_member_reports_for_its_own_tenant_only(app: &TestApp) {
        let (tenant, other) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let member = app.token(Role::Member, tenant);
        let own = json!({"meter": "inference", "quantity": 1}).to_string();
        let body = format!("{own}\n{}", line(other, 1));
        let answer = send(app, &member, chunks(&body, 1_000)).await;
        assert_eq!((&answer[0]["line"], &answer[0]["code"]), (&json!(2), &json!("not_found")));
        assert_eq!(answer[1]["counted"], 1);
        assert_eq!(ever(app, other, "inference").await, Quantity::ZERO);
        let viewer = app.token(Role::Viewer, tenant);
        let lines = app.post("/api/v1/usage/batch").bearer(&viewer).header("content-type", "application/x-ndjson");
        lines.await.refused(403, "forbidden");
    }
}
