//! What the doctor says of installations that are well, and of some that are not.

use serde_json::Value;
use tollhouse_server::{Clock, db::Db, nudge::Nudges, webhooks::dispatch};
use tollhouse_stripe::{API_VERSION, signature::sign};

use crate::harness::{Database, Http, Running, Tollhouse};

const CATALOG: &str = include_str!("../../../../catalog.example.toml");
const JWT_SECRET: &str = "9f2c4be7a1d80365c7f21e94ab6d5038";
const URL: &str = "http://127.0.0.1:9/webhook/stripe";

/// A simulator, and what an installation at it is told.
struct Stripe {
    running: Running,
    url: String,
    key: String,
}

impl Stripe {
    async fn start() -> Self {
        let mut running = Tollhouse::new().start(&["simulator", "--port", "0", "--json"]);
        let ready: Value = serde_json::from_str(&running.line().await).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self { url: text("simulator_url"), key: text("stripe_secret_key"), running }
    }

    /// Registers a webhook endpoint for these types; its secret.
    async fn register(&self, url: &str, types: &[&str]) -> String {
        let types = types.join("&enabled_events[]=");
        let form = format!("url={url}&api_version={API_VERSION}&enabled_events[]={types}");
        let path = format!("{}/v1/webhook_endpoints", self.url);
        let endpoint = Http::new().post_form(&path, &self.key, &form).await.json();
        endpoint["secret"].as_str().unwrap().to_owned()
    }

    fn installation(&self, database: &str, webhook_secret: &str) -> Tollhouse {
        Tollhouse::new()
            .with("DATABASE_URL", database)
            .with("STRIPE_API_BASE", &self.url)
            .with("STRIPE_SECRET_KEY", &self.key)
            .with("STRIPE_WEBHOOK_SECRET", webhook_secret)
            .with("JWT_SECRET", JWT_SECRET)
            .with("FRONTEND_URL", "https://app.example")
            .with("TOLLHOUSE_CATALOG", "catalog.toml")
            .with("TOLLHOUSE_LISTEN", "127.0.0.1:0")
            .with("TOLLHOUSE_LOG", "off,tollhouse::serve=info")
            .with("TOLLHOUSE_LOG_FORMAT", "json")
            .with_file("catalog.toml", CATALOG)
    }
}

fn all_types() -> Vec<&'static str> {
    dispatch::TYPES.iter().map(|(kind, _)| *kind).collect()
}

/// The checks with this verdict.
fn checks(report: &Value, verdict: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let of = findings.filter(|finding| finding["verdict"] == verdict);
    of.map(|finding| finding["check"].as_str().unwrap().to_owned()).collect()
}

async fn report(tollhouse: &Tollhouse, words: &[&str], code: i32) -> Value {
    let text = tollhouse.run(&[&["doctor", "--json"], words].concat()).await.printed(code);
    serde_json::from_str(&text).unwrap()
}

async fn is_well(database: &str) {
    let stripe = Stripe::start().await;
    let secret = stripe.register(URL, &all_types()).await;
    let tollhouse = stripe.installation(database, &secret);
    tollhouse.run(&["catalog", "push"]).await.succeeded();
    let well = report(&tollhouse, &["--webhook-url", URL], 0).await;
    assert_eq!(checks(&well, "problem"), [""; 0], "{well:#}");
    // What is no money cannot be production.
    assert_eq!(checks(&well, "warning"), ["stripe key"], "{well:#}");
    for check in
        ["stripe clock", "database", "migrations", "catalog at stripe", "deliveries", "tasks"]
    {
        assert!(checks(&well, "ok").contains(&check.to_owned()), "{check}: {well:#}");
    }
    let table = tollhouse.run(&["doctor"]).await.succeeded();
    assert!(table.starts_with("RESULT "), "{table}");
    assert!(table.contains("WHAT TO DO") && table.contains("no money moves"), "{table}");
    for secret in [secret.as_str(), JWT_SECRET, &stripe.key] {
        assert!(!table.contains(secret) && !well.to_string().contains(secret));
    }
    let elsewhere =
        report(&tollhouse, &["--webhook-url", "https://b.example/webhook/stripe"], 1).await;
    assert_eq!(checks(&elsewhere, "problem"), ["webhook endpoint"], "{elsewhere:#}");
    stripe.running.stop().await;
}

#[tokio::test]
async fn a_good_installation_is_well_on_sqlite() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    is_well(&format!("sqlite:{}", folder.path().join("well.sqlite").display())).await;
}

#[tokio::test]
async fn a_good_installation_is_well_on_postgres() {
    let database = Database::create().await;
    is_well(&database.url).await;
    database.drop().await;
}

#[tokio::test]
async fn an_empty_folder_is_not_ready_and_stays_empty() {
    let tollhouse = Tollhouse::new();
    let nothing = report(&tollhouse, &[], 1).await;
    assert_eq!(checks(&nothing, "problem"), ["stripe key", "webhook secret", "database"]);
    let again = report(&tollhouse, &[], 1).await;
    assert_eq!(nothing, again, "looking has made no database");
    let complaint = tollhouse.run(&["doctor"]).await.printed(1);
    assert!(
        complaint.contains("PROBLEM") && complaint.contains("`tollhouse migrate`"),
        "{complaint}"
    );
}

#[tokio::test]
async fn a_service_that_would_not_start_is_told_why() {
    let short = Tollhouse::new().with("JWT_SECRET", "short");
    let told = report(&short, &[], 1).await;
    assert_eq!(checks(&told, "problem"), ["settings"]);
    assert!(
        told["findings"][0]["means"].as_str().unwrap().contains("shorter than 32 bytes"),
        "{told}"
    );
}

#[tokio::test]
async fn what_is_missing_at_stripe_is_told() {
    let stripe = Stripe::start().await;
    let secret = stripe.register(URL, &all_types()[1..]).await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let database = format!("sqlite:{}", folder.path().join("missing.sqlite").display());
    let tollhouse =
        stripe.installation(&database, &secret).with("REDIS_URL", "redis://127.0.0.1:9");
    tollhouse.run(&["migrate"]).await.succeeded();
    let told = report(&tollhouse, &[], 1).await;
    assert_eq!(checks(&told, "problem"), ["redis", "webhook event types", "catalog"], "{told:#}");

    let refused = tollhouse.with("STRIPE_SECRET_KEY", "nonsense");
    let told = report(&refused, &[], 1).await;
    assert!(checks(&told, "problem").contains(&"stripe".to_owned()), "{told:#}");
    stripe.running.stop().await;
}

#[tokio::test]
async fn work_that_nobody_does_is_told() {
    let stripe = Stripe::start().await;
    let secret = stripe.register(URL, &all_types()).await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let database = format!("sqlite:{}", folder.path().join("idle.sqlite").display());
    let tollhouse = || {
        stripe.installation(&database, &secret).with("BILLING_RETRY_DEPLOYMENT_MODE", "dedicated")
    };
    tollhouse().run(&["catalog", "push"]).await.succeeded();
    let mut running = tollhouse().start(&["serve"]);
    let url = running.ready().await["url"].as_str().unwrap().to_owned();
    for body in [
        r#"{"id": "evt_1", "type": "customer.created", "created": 5, "data": {"object": {"id": "cus_1"}}}"#,
        "{",
    ] {
        let signature = sign(&secret, Clock::real().now().as_second(), body.as_bytes());
        let status = Http::new().webhook(&format!("{url}/webhook/stripe"), &signature, body).await;
        assert_eq!(status, Some(200));
    }
    let told = report(&tollhouse(), &[], 0).await;
    assert_eq!(checks(&told, "warning"), ["stripe key", "tasks", "deliveries"], "{told:#}");

    // As if all of it had come long ago.
    let db = Db::open(&database, 1, Nudges::default()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.query("DELETE FROM deliveries WHERE state = 'dead'").execute().await.unwrap();
    let ago = Clock::real().now().plus_seconds(-600);
    tx.query("UPDATE deliveries SET").filter(" due_at = ?", Some(ago)).execute().await.unwrap();
    tx.commit().await.unwrap();
    let told = report(&tollhouse(), &[], 1).await;
    assert_eq!(checks(&told, "problem"), ["tasks", "deliveries"], "{told:#}");

    let mut tx = db.begin().await.unwrap();
    tx.query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1")
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    let told = report(&tollhouse(), &[], 1).await;
    assert_eq!(checks(&told, "problem"), ["migrations"], "{told:#}");
    let mut complaint = tollhouse().start(&["serve"]);
    assert!(complaint.log_line().await.contains("newer Tollhouse"));
    running.stop().await;
    stripe.running.stop().await;
}
