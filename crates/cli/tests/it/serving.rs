//! What runs until it is told to stop: the service, and the simulator alone.

use serde_json::{Value, json};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::harness::{Http, Tollhouse};

#[tokio::test]
async fn the_service_starts_without_stripe_on_a_new_database() {
    let mut running = Tollhouse::new()
        .with("TOLLHOUSE_LISTEN", "127.0.0.1:0")
        .with("TOLLHOUSE_LOG_FORMAT", "json")
        .start(&["serve"]);
    let ready = running.ready().await;
    assert_eq!(ready["stripe_configured"], false);
    let health = format!("{}/health/ready", ready["url"].as_str().unwrap());
    assert_eq!(
        Http::new().get(&health, "").await.json(),
        json!({"status": "ok", "database": "sqlite", "stripe_configured": false})
    );
    running.stop().await;
}

#[tokio::test]
async fn the_tasks_run_beside_the_service() {
    let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut tasks = Tollhouse::new()
        .with("TOLLHOUSE_LISTEN", &service.local_addr().unwrap().to_string())
        .with("TOLLHOUSE_LOG_FORMAT", "json")
        .start(&["serve", "--only", "tasks"]);
    tasks.ready().await;
    tasks.stop().await;
}

#[tokio::test]
async fn the_simulator_answers_to_the_key_it_announces() {
    let mut running = Tollhouse::new().start(&["simulator", "--port", "0", "--json"]);
    let ready: Value = serde_json::from_str(&running.line().await).unwrap();
    let customers = format!("{}/v1/customers", ready["simulator_url"].as_str().unwrap());
    let key = ready["stripe_secret_key"].as_str().unwrap();
    let list = Http::new().get(&customers, key).await.json();
    assert_eq!((&list["object"], &list["data"]), (&json!("list"), &json!([])));
    assert!(running.stop().await.is_empty());
}

#[tokio::test]
async fn the_simulator_does_not_wait_for_a_request_that_never_ends() {
    let mut running = Tollhouse::new().start(&["simulator", "--port", "0", "--json"]);
    let ready: Value = serde_json::from_str(&running.line().await).unwrap();
    let address = ready["simulator_url"].as_str().unwrap().trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_process_of_tasks_tells_monitors_how_it_goes() {
    let mut tasks = Tollhouse::new()
        .with("TOLLHOUSE_METRICS_LISTEN", "127.0.0.1:0")
        .with("TOLLHOUSE_LOG_FORMAT", "json")
        .start(&["serve", "--only", "tasks"]);
    let ready = tasks.ready().await;
    let metrics = ready["metrics"].as_str().unwrap();
    let http = Http::new();
    let told = http.get(metrics, "").await.text();
    assert!(told.contains("tollhouse_task_interval_seconds{task=\"reconcile\"} 30\n"), "{told}");
    let base = metrics.trim_end_matches("/metrics");
    assert_eq!(http.get(&format!("{base}/health/live"), "").await.text(), "ok");
    let other = http.get(&format!("{base}/api/v1/billing/plans"), "").await.not_found();
    assert_eq!(other["code"], "not_found", "it serves monitors and nobody else");
    tasks.stop().await;
}
