//! Benchmark: what is only read, on `SQLite` and on Postgres.
//!
//! `cargo xtask bench reads [TENANTS]` runs it: «may they?» over HTTP beside a bare handler on the same machine
//! (`checks.rs`), then an operator's figures of 100,000 tenants and a year, where no other number is given
//! (`figures.rs`). A slow machine fails nothing here; a wrong answer does.

mod checks;
#[expect(dead_code, reason = "the benchmark of webhooks names one more way")]
#[path = "../webhooks/database.rs"]
mod database;
mod figures;
#[expect(dead_code, reason = "the benchmark of usage tells latencies at full load, too")]
#[path = "../webhooks/generator.rs"]
mod generator;

use std::{sync::Arc, time::Duration};

use tollhouse_server::{
    App, Clock, Settings,
    catalog::{actions::load, file},
    http::tokens::{self, Claims},
};

use crate::database::{Database, Kind, server_url};

const TENANTS: i64 = 100_000;
const SECRET: &str = "a secret of the benchmark, long enough";

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let tenants = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let tenants: i64 = tenants.unwrap_or(TENANTS);
    let server_url = server_url()?;
    for (kind, round) in Kind::ALL.into_iter().zip(1..) {
        let database = Database::create(kind, &server_url, round).await?;
        let app = start(&database.url).await?;
        let outcome = async {
            checks::measure(&app, kind).await?;
            figures::measure(&app, kind, tenants).await
        };
        let outcome = outcome.await;
        app.stop.cancel();
        app.db.close().await;
        database.remove().await?;
        outcome?;
    }
    Ok(())
}

async fn start(database_url: &str) -> anyhow::Result<Arc<App>> {
    let mut settings = Settings::defaults()?;
    settings.set("database.url", database_url.into(), "the benchmark")?;
    settings.set("auth.jwt_secret", SECRET.into(), "the benchmark")?;
    settings.set("log.level", "error".into(), "the benchmark")?;
    // What one caller may ask is not what is measured.
    for limit in ["credential_per_second", "address_per_second", "application_per_second"] {
        settings.set(&format!("limits.{limit}"), 0.into(), "the benchmark")?;
    }
    let app = App::start(settings.config()?, Clock::real(), None).await?;
    load(&app, &file::parse(include_str!("../../../../catalog.example.toml"))?, &[].into()).await?;
    Ok(app)
}

fn token(app: &App) -> anyhow::Result<String> {
    let claims = Claims {
        sub: "the benchmark".to_owned(),
        role: tollhouse_domain::Role::Operator,
        tenant_id: None,
        exp: app.clock.now().plus_days(1).as_second(),
        nbf: None,
        iss: None,
        aud: None,
    };
    tokens::sign(&claims, &app.config.auth)
}

fn mark(met: bool) -> &'static str {
    if met { "aim met     " } else { "aim missed  " }
}

fn milliseconds(time: Duration) -> String {
    let microseconds = time.as_micros();
    format!("{}.{:02} ms", microseconds / 1000, microseconds % 1000 / 10)
}

#[expect(clippy::print_stdout, reason = "what a benchmark is run for")]
fn say(line: &str) {
    println!("{line}");
}
