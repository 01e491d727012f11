//! Usage at Lago: all of it, once, and nobody waits for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_server::config::Secret;

use crate::{
    harness::{Database, Kind, TestApp},
    usage::{batch, load_meters, report},
};

const KEY: &str = "lago_key_very_secret";

/// What the pretend Lago does with the next request.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    /// Answers 503, and takes nothing.
    Down,
    /// Takes everything, and answers 503.
    Forgetful,
}

/// A Lago that checks what it is sent against its published schema.
struct Lago {
    mood: Mood,
    /// By transaction.
    events: BTreeMap<String, Value>,
    /// How many events each request had.
    requests: Vec<usize>,
}

type Shared = Arc<Mutex<Lago>>;

async fn take(
    State(lago): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    assert_eq!(headers["authorization"], format!("Bearer {KEY}"));
    let events = body["events"].as_array().unwrap();
    assert!((1..=100).contains(&events.len()) && body.as_object().unwrap().len() == 1);
    let mut lago = lago.lock().unwrap();
    lago.requests.push(events.len());
    if lago.mood == Mood::Down {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(Value::Null));
    }
    let mut details = serde_json::Map::new();
    for (index, event) in events.iter().enumerate() {
        check(event);
        if lago.events.contains_key(event["transaction_id"].as_str().unwrap()) {
            details.insert(index.to_string(), json!({"transaction_id": ["value_already_exist"]}));
        } else if event["code"] == "storage_gb" {
            details.insert(index.to_string(), json!({"code": ["metric_not_found"]}));
        }
    }
    if !details.is_empty() {
        let body = json!({"status": 422, "error": "Unprocessable Entity", "code": "validation_errors", "error_details": details});
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(body));
    }
    for event in events {
        lago.events.insert(event["transaction_id"].as_str().unwrap().to_owned(), event.clone());
    }
    let status =
        if lago.mood == Mood::Forgetful { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(json!({"events": []})))
}

/// `EventInput` of Lago's API.
fn check(event: &Value) {
    let known = [
        "transaction_id",
        "external_subscription_id",
        "code",
        "timestamp",
        "precise_total_amount_cents",
        "properties",
    ];
    for (name, value) in event.as_object().unwrap() {
        assert!(known.contains(&name.as_str()), "{name}");
        match name.as_str() {
            "properties" => {
                for value in value.as_object().unwrap().values() {
                    assert!(value.is_string() || value.is_number(), "{event}");
                }
            }
            "timestamp" => {
                assert!(value.as_str().unwrap().parse::<f64>().unwrap() > 1.7e9, "{event}");
            }
            _ => assert!(value.as_str().is_some_and(|text| !text.is_empty()), "{event}"),
        }
    }
    for name in ["transaction_id", "external_subscription_id", "code"] {
        assert!(event.get(name).is_some(), "{name} is required: {event}");
    }
}

async fn start(kind: Kind) -> (TestApp, Shared) {
    let lago = Arc::new(Mutex::new(Lago {
        mood: Mood::Well,
        events: BTreeMap::new(),
        requests: Vec::new(),
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    let router =
        Router::new().route("/api/v1/events/batch", post(take)).with_state(Arc::clone(&lago));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let app = TestApp::start_with(Database::create(kind).await, |config| {
        config.lago.api_url = Some(url);
        config.lago.api_key = Some(Secret::new(KEY));
    })
    .await;
    (app, lago)
}

fn feel(lago: &Shared, mood: Mood) {
    lago.lock().unwrap().mood = mood;
}

fn events(lago: &Shared) -> Vec<Value> {
    lago.lock().unwrap().events.values().cloned().collect()
}

fn requests(lago: &Shared) -> Vec<usize> {
    std::mem::take(&mut lago.lock().unwrap().requests)
}

/// Reports so many events in one batch; their ids.
async fn report_many(app: &TestApp, tenant: TenantId, count: usize) -> Vec<String> {
    let events: Vec<Value> = (0..count)
        .map(|number| json!({"tenant_id": tenant, "meter": "inference", "quantity": number}))
        .collect();
    let answer = batch(app, json!(events)).await;
    let results = answer["results"].as_array().unwrap();
    results.iter().map(|result| result["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_report_is_sent_a_hundred_at_a_time() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (app, lago) = start(kind).await;
        load_meters(&app).await;
        let tenant = app.tenant("Acme").await;
        let body = json!({"meter": "inference", "quantity": "12.000000000001", "occurred_at": "2026-11-20T11:59:58.5Z",
            "idempotency_key": "a", "properties": {"model": "large", "retries": 2, "tags": ["x", "y"], "cached": true}});
        let id = report(&app, tenant, body.clone()).await.expect(202)["id"].clone();
        report(&app, tenant, body).await.expect(202);
        app.settle().await;
        assert_eq!(
            events(&lago),
            [json!({
                "transaction_id": id, "external_subscription_id": tenant, "code": "inference", "timestamp": "1795175998.500",
                "properties": {"model": "large", "retries": "2", "tags": "[\"x\",\"y\"]", "cached": "true", "value": "12.000000000001"},
            })]
        );
        let body =
            json!({"meter": "people", "properties": {"person": "ada"}, "idempotency_key": "b"});
        report(&app, tenant, body).await.expect(202);
        requests(&lago);
        let mut ids = report_many(&app, tenant, 250).await;
        app.settle().await;
        let sent = requests(&lago);
        assert_eq!(sent.iter().sum::<usize>(), 251);
        let mut there: Vec<String> = events(&lago)
            .iter()
            .map(|event| event["transaction_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(there.len(), 252);
        there.retain(|id| ids.contains(id));
        ids.sort();
        assert_eq!(there, ids);
        let person = events(&lago).into_iter().find(|event| event["code"] == "people").unwrap();
        assert_eq!(person["properties"], json!({"person": "ada"}));
        app.settle().await;
        assert_eq!(requests(&lago), Vec::<usize>::new(), "nothing is sent twice");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lago_that_is_down_holds_up_nobody_and_loses_nothing() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (mut app, lago) = start(kind).await;
        let tenant = app.tenant("Acme").await;
        feel(&lago, Mood::Down);
        report_many(&app, tenant, 150).await;
        app.settle().await;
        report_many(&app, tenant, 50).await;
        app.settle().await;
        assert_eq!(requests(&lago), [100, 50], "each was tried once, and waits for its time");
        // Whoever starts next goes on.
        app.restart(|_| {}).await;
        feel(&lago, Mood::Well);
        app.settle().await;
        assert_eq!(requests(&lago), Vec::<usize>::new());
        app.advance(60).await;
        assert_eq!(events(&lago).len(), 200);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lago_took_without_our_knowing_counts_once() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (app, lago) = start(kind).await;
        let tenant = app.tenant("Acme").await;
        feel(&lago, Mood::Forgetful);
        report_many(&app, tenant, 120).await;
        app.settle().await;
        assert_eq!((requests(&lago), events(&lago).len()), (vec![100], 100));
        feel(&lago, Mood::Well);
        app.advance(60).await;
        assert_eq!(events(&lago).len(), 120);
        assert_eq!(requests(&lago), [100, 20], "the hundred were known, the rest are sent");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lago_refuses_by_name_holds_up_no_other() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (app, lago) = start(kind).await;
        let tenant = app.tenant("Acme").await;
        batch(
            &app,
            json!([
                {"tenant_id": tenant, "meter": "inference", "quantity": 1},
                {"tenant_id": tenant, "meter": "storage_gb", "quantity": 2},
                {"tenant_id": tenant, "meter": "embedding", "quantity": 3},
            ]),
        )
        .await;
        app.settle().await;
        assert_eq!(events(&lago).len(), 2);
        assert_eq!(requests(&lago), [3, 2]);
        let audit = app.get("/api/v1/admin/audit").bearer(&app.operator()).await.expect(200);
        let rows = audit["data"].as_array().unwrap();
        let refused = rows.iter().find(|row| row["action"] == "usage.lago_refused").unwrap();
        assert_eq!(refused["data"]["meter"], "storage_gb");
        let config = app
            .get("/api/v1/customer/billing/config")
            .bearer(&app.token(Role::Viewer, tenant))
            .await;
        assert!(!format!("{}{audit}{:?}", config.text, app.app.config).contains(KEY));
        app.finish().await;
    }
}
