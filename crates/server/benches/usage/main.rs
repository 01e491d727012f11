//! Benchmark: how fast usage is counted, on `SQLite` and on Postgres, beside the database's own fastest way.
//!
//! `cargo xtask bench usage [EVENTS]` runs it, with so many events in batches: 300,000 where none are named. One
//! process holds the server and the generator, and shares the machine with the database. Each round measures, on each
//! database, in a new one on disk:
//!
//! - the yardstick: the same events into the same tables, with the same indexes and roll-ups, by bare SQL that looks
//!   nothing up, checks nothing and keeps no audit (`COPY` on Postgres);
//! - batches of a thousand over HTTP;
//! - single events over HTTP, on 64 connections.
//!
//! A slow machine fails nothing here; a wrong answer or a wrong total does.

#[expect(dead_code, reason = "the benchmark of webhooks names one more way")]
#[path = "../webhooks/database.rs"]
mod database;
#[path = "../webhooks/generator.rs"]
mod generator;
mod memory;
mod reports;
mod say;
mod yardstick;

use std::sync::Arc;

use anyhow::{Context, ensure};
use tokio::{net::TcpListener, task::JoinHandle};
use tollhouse_domain::{
    id::TenantId,
    usage::{Quantity, Window},
};
use tollhouse_server::{
    App, Clock, Settings,
    catalog::{actions::load, file},
    http::tokens::{self, Claims},
    record::Origin,
    serve,
    tenants::{actions::create, queries::Tenant},
    usage::queries::series,
};

use crate::{
    database::{Database, Kind},
    generator::drive,
    say::{Counted, Run, say},
};

const ROUNDS: u32 = 3;
const EVENTS: usize = 300_000;
const TENANTS: usize = 100;
const BATCH: usize = 1000;
/// Batches under way at once.
const BATCH_CONNECTIONS: usize = 4;
const SINGLE_CONNECTIONS: usize = 64;
const SINGLE_WARM_UP: usize = 2_000;
const SINGLES: usize = 40_000;
const SECRET: &str = "a secret of the benchmark, long enough";

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let events = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let events: usize = events.unwrap_or(EVENTS).next_multiple_of(BATCH);
    let server_url = database::server_url()?;
    say(&format!(
        "{events} events in batches of {BATCH}, then {SINGLES} one by one, of {TENANTS} tenants"
    ));
    let mut runs = Vec::new();
    for round in 1..=ROUNDS {
        for kind in Kind::ALL {
            let yardstick = Database::create(kind, &server_url, round * 2).await?;
            let outcome = yardstick::measure(kind, &yardstick.url, events).await;
            yardstick.remove().await?;
            let yardstick = outcome.with_context(|| format!("the yardstick on {}", kind.name()))?;
            let database = Database::create(kind, &server_url, round * 2 + 1).await?;
            let outcome = measure(&database.url, events).await;
            database.remove().await?;
            let counted = outcome.with_context(|| format!("on {}", kind.name()))?;
            runs.push(Run::of(round, kind.name(), events, yardstick, &counted));
        }
    }
    say::verdict(&runs, &Kind::ALL.map(Kind::name));
    Ok(())
}

/// Batches, then single events.
async fn measure(database_url: &str, events: usize) -> anyhow::Result<Counted> {
    let app = App::start(config(database_url)?, Clock::real(), None).await?;
    load(&app, &file::parse(include_str!("../../../../catalog.example.toml"))?, &[].into()).await?;
    let tenants = create_tenants(&app).await?;
    let token = token(&app)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server: JoinHandle<_> = tokio::spawn(serve(Arc::clone(&app), Some(listener)));

    // A tenth first: connections are opened, statements prepared, buffers grown.
    let tenth = (events / 10).next_multiple_of(BATCH);
    let warm_up = reports::batches(&tenants, &token, 0..tenth, BATCH).into();
    drive(address, &warm_up, 0..tenth / BATCH, BATCH_CONNECTIONS).await?;
    let requests = reports::batches(&tenants, &token, tenth..tenth + events, BATCH).into();
    let before = memory::resident_kib();
    let batches = drive(address, &requests, 0..events / BATCH, BATCH_CONNECTIONS).await?;
    let grown_kib = memory::resident_kib().saturating_sub(before);
    drop(requests);

    let first = tenth + events;
    let requests =
        reports::singles(&tenants, &token, first..first + SINGLE_WARM_UP + SINGLES).into();
    drive(address, &requests, 0..SINGLE_WARM_UP, SINGLE_CONNECTIONS).await?;
    let all = SINGLE_WARM_UP..SINGLE_WARM_UP + SINGLES;
    let singles = drive(address, &requests, all, SINGLE_CONNECTIONS).await?;

    check(&app, &tenants, first + SINGLE_WARM_UP + SINGLES).await?;
    app.stop.cancel();
    server.await?;
    Ok(Counted { batches, singles, grown_kib })
}

/// Every event counts one: what the roll-ups come to is how many there were.
async fn check(app: &App, tenants: &[TenantId], expected: usize) -> anyhow::Result<()> {
    let mut counted = Quantity::ZERO;
    let all = (tollhouse_domain::Timestamp::MIN, tollhouse_domain::Timestamp::MAX);
    let mut conn = app.db.read().await?;
    for tenant in tenants {
        for rollup in series(&mut conn, *tenant, Window::Hour, all, None, 10_000).await? {
            counted = counted.plus(rollup.quantity());
        }
    }
    let expected = Quantity::from_whole(expected as u64);
    ensure!(counted == expected, "{expected} events were acknowledged, and {counted} are counted");
    Ok(())
}

async fn create_tenants(app: &App) -> anyhow::Result<Vec<TenantId>> {
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        let id = TenantId::from_uuid(app.clock.new_id());
        let email = format!("tenant-{number}@example.com");
        let tenant = Tenant::new(id, &format!("Tenant {number}"), &email, app.clock.now())?;
        tenants.push(create(app, &Origin::system(), tenant).await?.id);
    }
    Ok(tenants)
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

fn config(database_url: &str) -> anyhow::Result<tollhouse_server::Config> {
    let mut settings = Settings::defaults()?;
    settings.set("database.url", database_url.into(), "the benchmark")?;
    settings.set("auth.jwt_secret", SECRET.into(), "the benchmark")?;
    settings.set("log.level", "error".into(), "the benchmark")?;
    // What one caller may ask is not what is measured.
    settings.set("limits.credential_per_second", 0.into(), "the benchmark")?;
    settings.set("limits.address_per_second", 0.into(), "the benchmark")?;
    settings.set("limits.application_per_second", 0.into(), "the benchmark")?;
    settings.config()
}
