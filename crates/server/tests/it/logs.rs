//! What is logged of a whole run, at the level `debug`: everything but secrets.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::json;
use tollhouse_domain::actor::Role;
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{Database, Kind, TestApp, order};

/// All that this process logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what this thread logs from now on, until the guard is dropped. The tests here stay on one thread.
fn kept() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("debug")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

/// Numbers as long as a card's that pass its check: in one piece, or in four groups of four.
fn card_numbers(text: &str) -> Vec<String> {
    let is_of_word = |c: char| c.is_ascii_alphanumeric();
    let words: Vec<&str> = text.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()).collect();
    let whole = words.iter().filter(|word| (13..=19).contains(&word.len()));
    let grouped = words.windows(4).filter(|group| group.iter().all(|word| word.len() == 4));
    whole
        .map(|word| (*word).to_owned())
        .chain(grouped.map(<[&str]>::concat))
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()) && passes_luhn(digits))
        .collect()
}

fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            let doubled = if place % 2 == 1 { digit * 2 } else { digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[test]
fn the_search_for_cards_finds_cards() {
    assert_eq!(card_numbers("a 4242 4242-4242 4242 b"), ["4242424242424242"]);
    assert!(card_numbers("2026-11-20T12:00:00.000000Z 4242424242424241").is_empty());
}

/// Whether the log holds what must stand in no log.
fn tells(log: &str, secrets: &[String]) -> Vec<String> {
    let mut told: Vec<String> =
        secrets.iter().filter(|secret| log.contains(secret.as_str())).cloned().collect();
    // Beginnings of keys, secrets and tokens, whosever they are.
    for mark in ["sk_test_", "sk_live_", "rk_live_", "whsec_", "th_", "eyJ", "session_token="] {
        // What we make ourselves is hexadecimal; other words end in `th_` as well.
        let is_part =
            |c: &char| if mark == "th_" { c.is_ascii_hexdigit() } else { c.is_alphanumeric() };
        if log.split(mark).skip(1).any(|rest| rest.chars().take_while(is_part).count() >= 8) {
            told.push(format!("something that begins with `{mark}`"));
        }
    }
    told.extend(card_numbers(log));
    told
}

#[tokio::test]
async fn a_whole_run_tells_no_secret() {
    let (log, _guard) = kept();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let secrets = a_whole_run(kind).await;
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("a request was answered"), "the log is kept at `debug`");
        assert!(text.contains("a request failed"), "and what fails is in it");
        assert_eq!(tells(&text, &secrets), Vec::<String>::new());
    }
}

/// Everything that handles a secret, once and well, and once badly; the secrets it met.
async fn a_whole_run(kind: Kind) -> Vec<String> {
    let app = TestApp::start_with(Database::create(kind).await, |_| {}).await;
    let config = &app.app.config;
    let operator = app.operator();
    let mut secrets = vec![
        operator.clone(),
        app.webhook_secret.clone(),
        config.stripe.secret_key.as_ref().unwrap().expose().to_owned(),
        config.auth.jwt_secret.as_ref().unwrap().expose().to_owned(),
    ];
    let tenant = app.subscriber("Acme", "pro").await;
    let admin = app.token(Role::Admin, tenant);
    app.get("/api/v1/customer/billing/status").bearer(&admin).await.expect(200);
    app.get("/api/v1/admin/audit").bearer(&admin).await.refused(403, "forbidden");
    app.get("/api/v1/admin/audit")
        .bearer(&format!("{admin}x"))
        .await
        .refused(401, "unauthenticated");
    secrets.push(admin.clone());

    let key = json!({"name": "program", "scopes": ["admin"]});
    let key = app.post("/api/v1/admin/api-keys").bearer(&operator).json(&key).await.expect(201);
    let key = key["key"].as_str().unwrap();
    app.get("/api/v1/admin/audit").bearer(key).await.expect(200);
    app.get("/api/v1/admin/audit").bearer(&key[..40]).await.refused(401, "unauthenticated");
    secrets.extend([key.to_owned(), key[15..40].to_owned()]);

    let session = app.post("/api/v1/session").bearer(&admin).await;
    let cookie = session.header("set-cookie");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let csrf = session.json()["csrf_token"].as_str().unwrap().to_owned();
    let ask = app.call("DELETE", "/api/v1/session").header("cookie", &cookie);
    ask.header("x-csrf-token", &csrf).await.expect(204);
    secrets.extend([cookie["session_token=".len()..].to_owned(), csrf]);

    let endpoint = json!({"url": "http://127.0.0.1:9009/hooks/of-nobody?token=very-secret"});
    let path = "/api/v1/admin/webhook-endpoints";
    let endpoint = app.post(path).bearer(&operator).json(&endpoint).await.expect(201);
    secrets.extend([endpoint["secret"].as_str().unwrap().to_owned(), "very-secret".to_owned()]);

    // What fails at Stripe is logged with its cause.
    let other = app.tenant("Birch").await;
    let owner = app.token(Role::Owner, other);
    let fault = Fault { kind: FaultKind::Unreachable, times: 3, method: None, path: None };
    app.simulator.add_fault(fault);
    let checkout = "/api/v1/customer/billing/checkout-session";
    let failed = app.post(checkout).bearer(&owner).json(&order("pro")).await.status;
    assert!(failed >= 500, "{failed}");
    app.break_the_card().await;
    app.advance(40 * 86_400).await;
    let forged = app.post("/webhook/stripe").header("stripe-signature", "t=1,v1=0badc0de");
    forged
        .text(&json!({"number": "4242424242424242"}).to_string())
        .await
        .refused(400, "invalid_signature");
    app.finish().await;
    secrets
}

/// A password in the database's URL, where the database cannot be reached.
#[tokio::test]
async fn a_password_of_the_database_is_told_by_no_error() {
    let (log, _guard) = kept();
    for url in [
        "postgres://billing:pa55-w0rd-1@127.0.0.1:9/tollhouse",
        "postgres://billing:pa55-w0rd-2@127.0.0.1:port/tollhouse",
        "mysql://billing:pa55-w0rd-3@127.0.0.1/tollhouse",
    ] {
        let config = crate::harness::config(url, "");
        let clock = tollhouse_server::Clock::real();
        let error = tollhouse_server::App::start(config, clock, None).await.err().unwrap();
        let told = format!("{error:?} {error:#}");
        assert!(!told.contains("pa55"), "{told}");
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains("pa55"), "{text}");
}
