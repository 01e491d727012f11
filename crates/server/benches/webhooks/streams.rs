//! Many live streams of one tenant on one instance: the memory they take, and how long after the commit the last
//! of them has heard. The listeners are in this process, so their memory is counted, too.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::ensure;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tollhouse_domain::{actor::Role, event::EventType, id::TenantId};
use tollhouse_server::{
    App, Clock, Settings,
    http::tokens::{self, Claims},
    record::{Happened, Origin, Subject, record},
    serve,
};

use crate::{
    database::{Database, Kind, server_url},
    generator::now,
    installation::tenant,
    report::{milliseconds, say},
    start_up::resident_kib,
};

pub const LISTENERS: usize = 1_000;
const EVENTS: usize = 21;
const KIB_AIM: u64 = 100 * 1024;
const LAST_AIM: Duration = Duration::from_millis(50);

pub async fn measure(listeners: usize) -> anyhow::Result<()> {
    let server_url = server_url()?;
    for (kind, round) in Kind::ALL.into_iter().zip(1..) {
        let database = Database::create(kind, &server_url, round).await?;
        let outcome = listen(&database.url, listeners).await;
        database.remove().await?;
        let (kib, median, max) = outcome?;
        say(&format!(
            "{}{}: {listeners} streams take {} MiB, both ends (aim: {} MiB); the last inbox {} after the \
             commit, at most {} (aim: {})",
            if kib < KIB_AIM && median < LAST_AIM { "aim met     " } else { "aim missed  " },
            kind.name(),
            kib / 1024,
            KIB_AIM / 1024,
            milliseconds(median),
            milliseconds(max),
            milliseconds(LAST_AIM),
        ));
    }
    Ok(())
}

/// Memory added, and how long it took until the last one had heard: the median and the longest.
async fn listen(database_url: &str, listeners: usize) -> anyhow::Result<(u64, Duration, Duration)> {
    let mut settings = Settings::defaults()?;
    settings.set("database.url", database_url.into(), "the benchmark")?;
    settings.set(
        "auth.jwt_secret",
        "a secret of the benchmark, long enough".into(),
        "the benchmark",
    )?;
    let mut config = settings.config()?;
    config.stream.connections_max = listeners;
    // All listeners come from this address, by one token.
    config.limits.address_at_once = 0;
    config.limits.address_per_second = 0;
    config.limits.credential_per_second = 0;
    let app = App::start(config, Clock::real(), None).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(Arc::clone(&app), Some(listener)));
    let own = tenant(&app, "Acme").await?;
    let request = request(&app, own)?;
    let (heard, mut inbox) = mpsc::unbounded_channel();
    let before = resident_kib(std::process::id())?;
    for _ in 0..listeners {
        tokio::spawn(hear(address, request.clone(), heard.clone()));
    }
    for _ in 0..listeners {
        let first = inbox.recv().await;
        ensure!(first == Some(Heard::Hello), "a stream began with {first:?}");
    }
    let mut times = Vec::new();
    for _ in 0..EVENTS {
        change(&app, own).await?;
        let committed = now();
        for _ in 0..listeners {
            ensure!(inbox.recv().await == Some(Heard::Event), "a stream ended");
        }
        times.push(committed.elapsed());
    }
    let added = resident_kib(std::process::id())?.saturating_sub(before);
    app.stop.cancel();
    server.await?;
    times.sort_unstable();
    Ok((added, times[EVENTS / 2], times[EVENTS - 1]))
}

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Hello,
    Event,
    Refusal,
}

async fn hear(
    address: SocketAddr,
    request: String,
    heard: mpsc::UnboundedSender<Heard>,
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut lines = BufReader::with_capacity(1024, stream).lines();
    while let Some(line) = lines.next_line().await? {
        match line.as_str() {
            line if line.starts_with("HTTP/1.1 ") && !line.ends_with("200 OK") => {
                heard.send(Heard::Refusal)?;
            }
            ": connected" => heard.send(Heard::Hello)?,
            line if line.starts_with("event: ") => heard.send(Heard::Event)?,
            _ => {}
        }
    }
    Ok(())
}

fn request(app: &App, tenant: TenantId) -> anyhow::Result<String> {
    let claims = Claims {
        sub: "benchmark".to_owned(),
        role: Role::Viewer,
        tenant_id: Some(tenant.to_string()),
        exp: app.clock.now().plus_days(1).as_second(),
        nbf: None,
        iss: None,
        aud: None,
    };
    let token = tokens::sign(&claims, &app.config.auth)?;
    Ok(format!(
        "GET /api/v1/billing/stream HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
    ))
}

/// Something happens to the tenant.
async fn change(app: &App, tenant: TenantId) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let happened = Happened {
        tenant,
        event: EventType::TenantUpdated,
        audit: None,
        subject: &Subject::new("tenant", tenant),
        summary: "The name was changed".to_owned(),
        data: &json!({ "name": "Acme" }),
        at: app.clock.now(),
    };
    record(&mut tx, app, &Origin::system(), happened).await?;
    Ok(tx.commit().await?)
}
