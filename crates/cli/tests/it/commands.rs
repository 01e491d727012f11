//! Commands that do one thing and end.

use serde_json::{Value, json};

use crate::harness::Tollhouse;

const EXAMPLE: &str = include_str!("../../../../catalog.example.toml");
const COMMANDS: [&[&str]; 18] = [
    &["demo"],
    &["serve"],
    &["simulator"],
    &["migrate"],
    &["config"],
    &["catalog"],
    &["catalog", "check"],
    &["catalog", "push"],
    &["doctor"],
    &["backup"],
    &["reconcile"],
    &["import"],
    &["retention"],
    &["deliveries"],
    &["deliveries", "list"],
    &["deliveries", "show"],
    &["deliveries", "replay"],
    &["token"],
];

#[tokio::test]
async fn every_command_says_what_it_is_for() {
    let tollhouse = Tollhouse::new();
    let all = tollhouse.run(&["--help"]).await.succeeded();
    for words in COMMANDS {
        assert!(all.contains(words[0]), "{all}");
        let help = tollhouse.run(&[words, &["--help"]].concat()).await.succeeded();
        let first = help.lines().next().unwrap();
        assert!(!first.is_empty() && !first.starts_with("Usage"), "{help}");
    }
}

#[tokio::test]
async fn settings_are_shown_without_their_secrets() {
    let tollhouse = Tollhouse::new()
        .with("STRIPE_SECRET_KEY", "sk_test_do_not_show")
        .with("BILLING_GRACE_PERIOD_DAYS", "5");
    let table = tollhouse.run(&["config"]).await.succeeded();
    assert!(table.contains("STRIPE_SECRET_KEY") && !table.contains("do_not_show"), "{table}");
    let text = tollhouse.run(&["config", "--json"]).await.succeeded();
    assert!(!text.contains("do_not_show"), "{text}");
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    for row in [
        json!({"name": "stripe.secret_key", "value": "•••", "source": "STRIPE_SECRET_KEY"}),
        json!({"name": "billing.grace_period_days", "value": "5", "source": "BILLING_GRACE_PERIOD_DAYS"}),
        json!({"name": "stream.enabled", "value": "true", "source": "default"}),
    ] {
        assert!(rows.contains(&row), "{row} is not in {text}");
    }
}

#[tokio::test]
async fn a_setting_that_does_not_exist_is_refused_by_name() {
    let tollhouse = Tollhouse::new().with_file("tollhouse.toml", "[billing]\ngrace_days = 5\n");
    for command in ["config", "migrate", "serve"] {
        let complaint = tollhouse.run(&[command]).await.refused(1);
        assert!(complaint.contains("`billing.grace_days`"), "{complaint}");
        assert!(complaint.contains("`tollhouse.toml`"), "{complaint}");
    }
}

#[tokio::test]
async fn a_catalog_is_checked() {
    let broken = EXAMPLE.replacen("meter = \"api_calls\"", "meter = \"api_cals\"", 1);
    let tollhouse =
        Tollhouse::new().with_file("good.toml", EXAMPLE).with_file("broken.toml", &broken);
    let good = tollhouse.run(&["catalog", "check", "good.toml"]).await.succeeded();
    assert_eq!(good, "The catalog is valid: 5 plans, 4 meters.\n");
    let json = tollhouse.run(&["catalog", "check", "good.toml", "--json"]).await.succeeded();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json, json!({"valid": true, "plans": 5, "meters": 4}));

    let complaint = tollhouse.run(&["catalog", "check", "broken.toml"]).await.refused(1);
    for part in ["`broken.toml`", "plan `free`, limit 1", "there is no meter `api_cals`"] {
        assert!(complaint.contains(part), "{complaint}");
    }
    let complaint = tollhouse.run(&["catalog", "check", "nowhere.toml"]).await.refused(1);
    assert!(complaint.contains("`nowhere.toml` could not be read"), "{complaint}");
}

#[tokio::test]
async fn a_complaint_is_a_sentence_and_no_backtrace() {
    let tollhouse = Tollhouse::new().with("DATABASE_URL", "mysql:").with("RUST_BACKTRACE", "1");
    let complaint = tollhouse.run(&["migrate"]).await.refused(1);
    assert!(complaint.starts_with("error: the database could not be opened: "), "{complaint}");
    assert_eq!(complaint.matches("begins with `sqlite:` or `postgres:`").count(), 1, "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    Tollhouse::new().run_unread(&["config"]).await.succeeded();
}

#[tokio::test]
async fn pushing_a_catalog_needs_stripe() {
    let complaint = Tollhouse::new().run(&["catalog", "push"]).await.refused(1);
    assert!(complaint.contains("`STRIPE_SECRET_KEY`"), "{complaint}");
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let tollhouse = Tollhouse::new();
    let first = tollhouse.run(&["migrate"]).await.succeeded();
    assert!(first.starts_with("The sqlite database is at version "), "{first}");
    assert_eq!(tollhouse.run(&["migrate"]).await.succeeded(), first);
    let json = tollhouse.run(&["migrate", "--json"]).await.succeeded();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(first, format!("The sqlite database is at version {}.\n", json["version"]));
}

#[tokio::test]
async fn a_token_needs_a_secret_that_cannot_be_guessed() {
    let words = ["token", "--role", "operator"];
    let complaint = Tollhouse::new().run(&words).await.refused(1);
    assert!(complaint.contains("`JWT_SECRET`"), "{complaint}");
    let short = Tollhouse::new().with("JWT_SECRET", &"x".repeat(31));
    let complaint = short.run(&words).await.refused(1);
    assert!(complaint.contains("shorter than 32 bytes"), "{complaint}");
    let long = Tollhouse::new().with("JWT_SECRET", &"x".repeat(32));
    let token = long.run(&words).await.succeeded();
    assert_eq!(token.trim_end().split('.').count(), 3, "{token}");
    let complaint = long.run(&["token", "--role", "owner"]).await.refused(1);
    assert!(complaint.contains("`--tenant`"), "{complaint}");
    let complaint = long.run(&["token", "--role", "owner", "--tenant", "acme"]).await.refused(2);
    assert!(complaint.contains("`acme` is not an id"), "{complaint}");
    let complaint = long.run(&["token", "--role", "king"]).await.refused(2);
    assert!(complaint.contains("king") && complaint.contains("operator"), "{complaint}");
}

#[tokio::test]
async fn what_would_go_is_counted_by_command() {
    let tollhouse = Tollhouse::new();
    let said = tollhouse.run(&["retention", "--dry-run"]).await.succeeded();
    assert_eq!(said, "Nothing was kept long enough to go.\n");
    let run = tollhouse.run(&["retention", "--json"]).await.succeeded();
    let run: Value = serde_json::from_str(&run).unwrap();
    assert_eq!((&run["state"], &run["dry_run"]), (&json!("done"), &json!(false)));
    assert_eq!(run["removed"], json!({}));
}
