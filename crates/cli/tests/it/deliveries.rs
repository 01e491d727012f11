//! The ledger of webhooks from the command line, beside a service that runs.

use serde_json::{Value, json};
use tollhouse_stripe::signature::sign;

use crate::harness::{Http, Tollhouse};

const SECRET: &str = "whsec_of_the_command_line";
const EVENT: &str = r#"{"id": "evt_1", "object": "event", "type": "galaxy.collided", "created": 5,
    "data": {"object": {"id": "gal_1", "object": "galaxy"}}}"#;

#[tokio::test]
async fn deliveries_are_listed_shown_and_replayed() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let database = format!("sqlite:{}", folder.path().join("ledger.sqlite").display());
    let tollhouse = || Tollhouse::new().with("DATABASE_URL", &database);
    let mut running = tollhouse()
        .with("STRIPE_WEBHOOK_SECRET", SECRET)
        .with("TOLLHOUSE_LISTEN", "127.0.0.1:0")
        .with("TOLLHOUSE_LOG_FORMAT", "json")
        .start(&["serve"]);
    let url = running.ready().await["url"].as_str().unwrap().to_owned();
    let now = tollhouse_server::Clock::real().now().as_second();
    for body in [EVENT, "{"] {
        let signature = sign(SECRET, now, body.as_bytes());
        let status = Http::new().webhook(&format!("{url}/webhook/stripe"), &signature, body).await;
        assert_eq!(status, Some(200));
    }

    let commands = tollhouse();
    let run = |words: &'static [&'static str]| commands.run(words);
    let table = run(&["deliveries", "list", "--state", "ignored"]).await.succeeded();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ID "), "{table}");
    assert!(lines[1].contains("galaxy.collided") && lines[1].contains("gal_1"), "{table}");
    let rows = run(&["deliveries", "list", "--json"]).await.succeeded();
    let rows: Vec<Value> = serde_json::from_str(&rows).unwrap();
    assert_eq!(rows.iter().map(|row| &row["state"]).collect::<Vec<_>>(), ["dead", "ignored"]);
    let id = rows[1]["id"].as_str().unwrap();
    let shown = commands.run(&["deliveries", "show", id, "--json"]).await.succeeded();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["payload"], serde_json::from_str::<Value>(EVENT).unwrap());
    assert!(
        commands.run(&["deliveries", "show", id]).await.succeeded().contains("\n  \"payload\": {")
    );

    let replayed = run(&["deliveries", "replay", "--json"]).await.succeeded();
    let nothing = json!({"replayed": 0, "passed_over": 1});
    assert_eq!(serde_json::from_str::<Value>(&replayed).unwrap(), nothing);
    let replayed = commands.run(&["deliveries", "replay", id]).await.succeeded();
    assert!(replayed.starts_with("0 handed to the workers"), "{replayed}");
    let complaint = run(&["deliveries", "list", "--state", "lost"]).await.refused(2);
    assert!(complaint.contains("`lost` is not a state"), "{complaint}");
    let nobody = "018f2f9a-7c00-7000-8000-000000000000";
    let complaint = commands.run(&["deliveries", "show", nobody]).await.refused(1);
    assert!(complaint.contains("There is no delivery"), "{complaint}");
    running.stop().await;
}
