//! The demo: it stops cleanly, works on Postgres too, and its instructions work as printed.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::{Database, Demo, Running, Tollhouse};

#[tokio::test]
async fn it_stops_while_someone_listens_and_leaves_nothing_behind() {
    let demo = Demo::start().await;
    let folders: Vec<String> = demo.running.temporary_files().collect();
    assert!(folders.len() == 1 && folders[0].starts_with("tollhouse-demo-"), "{folders:?}");
    let _live = demo.listen(&demo.tenant(true)).await;
    demo.stop().await;
}

#[tokio::test]
async fn it_runs_on_postgres_too() {
    let database = Database::create().await;
    let demo = Demo::start_with(&["--database", &database.url]).await;
    let ready = demo.get("/health/ready", "").await;
    assert_eq!(ready["database"], "postgres");
    assert_eq!(demo.granted(&demo.tenant(true)).await[0]["status"], "ACTIVE");
    assert_eq!(demo.granted(&demo.tenant(false)).await, json!([]));
    demo.stop().await;
    database.drop().await;
}

#[tokio::test]
async fn what_it_announces_is_true() {
    let demo = Demo::start().await;
    let ready = &demo.ready;
    assert_eq!(ready.tenants.len(), 3);
    for tenant in &ready.tenants {
        let tokens = &tenant.tokens;
        for token in [&tokens.owner, &tokens.admin, &tokens.member, &tokens.viewer] {
            demo.get("/api/v1/customer/billing/status", token).await;
        }
        let path = format!("/api/v1/stripe/tenants/{}", tenant.id);
        let known = demo.get(&path, &ready.operator_token).await;
        assert_eq!(known["name"], tenant.name);
    }
    let customers = format!("{}/v1/customers", ready.simulator_url);
    let customers = demo.http.get(&customers, &ready.stripe_secret_key).await.json();
    assert_eq!(customers["data"].as_array().unwrap().len(), 1, "only one has opened a page");
    assert!(ready.webhook_secret.starts_with("whsec_"));
    demo.stop().await;
}

#[tokio::test]
async fn its_instructions_work_as_printed() {
    let (port, simulator_port) = (free_port(), free_port());
    let words =
        ["demo", "--port", &port.to_string(), "--simulator-port", &simulator_port.to_string()];
    let mut running = Tollhouse::new().start(&words);
    let instructions = instructions(&mut running).await;
    let [open, status, events] = instructions.try_into().unwrap();

    let page = typed(&open).await;
    let simulator = format!("http://127.0.0.1:{simulator_port}/");
    assert!(page["url"].as_str().unwrap().starts_with(&simulator), "{page}");
    assert_eq!(typed(&status).await["has_billing_account"], true);
    assert_eq!(typed(&events).await["data"][0]["type"], "checkout.started");
    running.stop().await;
}

/// The lines to be typed, of all that is printed.
async fn instructions(running: &mut Running) -> Vec<String> {
    let mut instructions = Vec::new();
    loop {
        let line = running.line().await;
        if line.starts_with("Ctrl-C") {
            return instructions;
        }
        if line.starts_with("curl ") {
            instructions.push(line);
        }
    }
}

async fn typed(line: &str) -> Value {
    let output = Command::new("sh").args(["-c", line]).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{line}\n{text}"))
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
