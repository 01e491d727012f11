//! Taking over an account, and comparing with it, by command.

use serde_json::{Value, json};

use crate::harness::{Http, Tollhouse};

const CATALOG: &str = include_str!("../../../../catalog.example.toml");

#[tokio::test]
async fn there_is_nothing_to_compare_without_stripe() {
    for command in ["reconcile", "import"] {
        let complaint = Tollhouse::new().run(&[command]).await.refused(1);
        assert!(complaint.contains("`STRIPE_SECRET_KEY`"), "{complaint}");
    }
}

#[tokio::test]
async fn an_account_is_taken_over_and_compared_by_command() {
    let mut simulator = Tollhouse::new().start(&["simulator", "--port", "0", "--json"]);
    let ready: Value = serde_json::from_str(&simulator.line().await).unwrap();
    let (url, key) =
        (ready["simulator_url"].as_str().unwrap(), ready["stripe_secret_key"].as_str().unwrap());
    let tollhouse = Tollhouse::new()
        .with("STRIPE_SECRET_KEY", key)
        .with("STRIPE_API_BASE", url)
        .with("TOLLHOUSE_CATALOG", "catalog.toml")
        .with_file("catalog.toml", CATALOG)
        .with_file("tollhouse.toml", "[reconcile]\ncalls_per_second = 0\n");
    tollhouse.run(&["catalog", "push"]).await.succeeded();
    let http = Http::new();
    for name in ["Acme", "Beta"] {
        http.post_form(&format!("{url}/v1/customers"), key, &format!("name={name}")).await.json();
    }

    let table = tollhouse.run(&["import", "--dry-run"]).await.succeeded();
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("customers to take over") && line.ends_with(" 2")),
        "{table}"
    );
    let preview = tollhouse.run(&["import", "--dry-run", "--json"]).await.succeeded();
    let preview: Value = serde_json::from_str(&preview).unwrap();
    assert_eq!(
        (&preview["customers_to_take_over"], &preview["customers_known"]),
        (&json!(2), &json!(0))
    );

    let ended = tollhouse.run(&["import", "--json"]).await.succeeded();
    let ended: Value = serde_json::from_str(&ended).unwrap();
    assert_eq!(
        (&ended["run"]["state"], &ended["run"]["tenants_made"]),
        (&json!("done"), &json!(2)),
        "{ended}"
    );
    let again = tollhouse.run(&["import"]).await.succeeded();
    assert!(again.contains(" 0 tenants made, 0 wait for a person"), "{again}");

    let compared = tollhouse.run(&["reconcile", "--full", "--json"]).await.succeeded();
    let compared: Value = serde_json::from_str(&compared).unwrap();
    assert_eq!(
        (&compared["run"]["kind"], &compared["run"]["changed"]),
        (&json!("full"), &json!(0)),
        "{compared}"
    );
    assert_eq!(compared["needs_person"], json!([]));
    simulator.stop().await;
}
