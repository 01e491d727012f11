//! How fast webhooks are accepted, on `SQLite` and on Postgres, beside the limit of this machine.
//!
//! One process holds the server and the generator, on two threads that share
//! the machine with the database: an answer costs what sending its request costs, too. Each round measures
//!
//! - the limit: the same axum with a route that reads the body and does nothing;
//! - acceptance on each database, each in a new one on disk: signature verified, delivery stored durably;
//! - the same over a single connection, where no two deliveries can share a commit.
//!
//! Nothing works the deliveries meanwhile (`webhooks.worker` is off): this is about acceptance alone.
//! A slow machine fails nothing here; a wrong answer or a missing row does.

use std::{ops::Range, sync::Arc};

use anyhow::{Context, ensure};
use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use tokio::{net::TcpListener, task::JoinHandle};
use tollhouse_server::{
    App, Clock, Settings, serve,
    webhooks::queries::{Filter, counts},
};

use crate::{
    database::{self, Database, Kind},
    deliveries,
    generator::{Measured, drive},
    report::{self, Row},
    start_up,
};

const ROUNDS: u32 = 3;
const CONNECTIONS: usize = 32;
/// Before the clock starts: connections are opened, statements prepared.
const WARM_UP: Range<usize> = 0..4_000;
const MEASURED: Range<usize> = 4_000..64_000;
/// Over a single connection.
const ALONE: Range<usize> = 64_000..66_000;

pub async fn measure() -> anyhow::Result<()> {
    let server_url = database::server_url()?;
    report::head();
    let mut rows = Vec::new();
    for round in 1..=ROUNDS {
        // Signed anew, since a signature is believed for five minutes only.
        let requests: Arc<[Bytes]> = deliveries::requests(ALONE.end).into();
        rows.push(Row::of(round, "limit: an empty answer", &measure_limit(&requests).await?));
        for kind in Kind::ALL {
            let database = Database::create(kind, &server_url, round).await?;
            let outcome = measure_acceptance(&database.url, &requests).await;
            database.remove().await?;
            let [together, alone] = outcome.with_context(|| format!("on {}", kind.name()))?;
            rows.push(Row::of(round, kind.name(), &together));
            rows.push(Row::of(round, kind.one_at_a_time(), &alone));
        }
    }
    let start = start_up::measure().await?;
    report::verdict(&rows, &Kind::ALL.map(Kind::name), &start);
    Ok(())
}

/// What this machine and axum can do at all.
async fn measure_limit(requests: &Arc<[Bytes]>) -> anyhow::Result<Measured> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let nothing = |_body: Bytes| async { StatusCode::OK };
    let router = Router::new().route("/webhook/stripe", post(nothing));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    drive(address, requests, WARM_UP, CONNECTIONS).await?;
    let measured = drive(address, requests, MEASURED, CONNECTIONS).await?;
    server.abort();
    Ok(measured)
}

/// Many connections, then a single one, on the same database; every delivery must be stored after that.
async fn measure_acceptance(
    database_url: &str,
    requests: &Arc<[Bytes]>,
) -> anyhow::Result<[Measured; 2]> {
    let app = App::start(config(database_url)?, Clock::real(), None).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server: JoinHandle<_> = tokio::spawn(serve(Arc::clone(&app), Some(listener)));

    drive(address, requests, WARM_UP, CONNECTIONS).await?;
    let together = drive(address, requests, MEASURED, CONNECTIONS).await?;
    let alone = drive(address, requests, ALONE, 1).await?;

    let stored: i64 = counts(&mut app.db.read().await?, &Filter::default())
        .await?
        .iter()
        .map(|c| c.deliveries)
        .sum();
    ensure!(
        usize::try_from(stored) == Ok(requests.len()),
        "{} deliveries were answered 200, but {stored} are stored: acceptance is broken",
        requests.len()
    );
    app.stop.cancel();
    server.await?;
    Ok([together, alone])
}

fn config(database_url: &str) -> anyhow::Result<tollhouse_server::Config> {
    let mut settings = Settings::defaults()?;
    settings.set("database.url", database_url.into(), "the benchmark")?;
    settings.set("stripe.webhook_secret", deliveries::SECRET.into(), "the benchmark")?;
    settings.set("webhooks.worker", false.into(), "the benchmark")?;
    settings.config()
}
