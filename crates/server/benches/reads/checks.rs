//! «May they?» over HTTP beside a handler that does nothing: how many a second, and how long one takes at half of that.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use axum::{Router, body::Bytes, routing::post};
use tokio::{net::TcpListener, task::JoinSet, time::interval};
use tollhouse_domain::id::TenantId;
use tollhouse_server::{
    App,
    record::Origin,
    serve,
    tenants::{actions::create, queries::Tenant},
};

use crate::{
    database::Kind,
    generator::{Connection, drive, now},
    mark, milliseconds, say, token,
};

const TENANTS: usize = 100;
const CONNECTIONS: usize = 64;
const CHECKS: usize = 60_000;
const WARM_UP: usize = 5_000;
/// Of the half load: so many connections, each at its own pace, for so long.
const PACED_CONNECTIONS: usize = 32;
const PACED_FOR: Duration = Duration::from_secs(3);
const PERCENT_AIM: u128 = 60;
const P99_AIM: Duration = Duration::from_millis(3);

pub async fn measure(app: &Arc<App>, kind: Kind) -> anyhow::Result<()> {
    let tenants = tenants(app).await?;
    let token = token(app)?;
    let checks: Arc<[Bytes]> =
        (0..WARM_UP + CHECKS).map(|number| check(tenants[number % TENANTS], &token)).collect();
    let bare = TcpListener::bind("127.0.0.1:0").await?;
    let bare_address = bare.local_addr()?;
    let nothing = Router::new().route("/{*path}", post(|| async { "{\"allowed\":true}" }));
    let bare = tokio::spawn(async move { axum::serve(bare, nothing).await });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(Arc::clone(app), Some(listener)));

    let mut per_second = Vec::new();
    for address in [bare_address, address] {
        drive(address, &checks, 0..WARM_UP, CONNECTIONS).await?;
        let all = drive(address, &checks, WARM_UP..WARM_UP + CHECKS, CONNECTIONS).await?;
        per_second.push(CHECKS as u128 * 1_000_000 / all.elapsed.as_micros().max(1));
    }
    bare.abort();
    let [bare, checked] = per_second[..] else { unreachable!("two were measured") };
    let p99 = at_half_load(address, &checks, checked / 2).await?;
    let percent = checked * 100 / bare.max(1);
    say(&format!(
        "{}{}: {checked} checks/s, {percent} % of a bare handler ({bare}/s; aim: {PERCENT_AIM} %); p99 {} at half \
         load (aim: {})",
        mark(percent >= PERCENT_AIM && p99 < P99_AIM),
        kind.name(),
        milliseconds(p99),
        milliseconds(P99_AIM),
    ));
    Ok(())
}

/// The 99th percentile of the latencies at so many checks a second.
async fn at_half_load(
    address: SocketAddr,
    checks: &Arc<[Bytes]>,
    per_second: u128,
) -> anyhow::Result<Duration> {
    let pace = Duration::from_micros(u64::try_from(
        PACED_CONNECTIONS as u128 * 1_000_000 / per_second.max(1),
    )?);
    let mut running = JoinSet::new();
    for first in 0..PACED_CONNECTIONS {
        running.spawn(paced(address, Arc::clone(checks), first, pace));
    }
    let mut latencies = Vec::new();
    while let Some(finished) = running.join_next().await {
        latencies.append(&mut finished??);
    }
    latencies.sort_unstable();
    ensure!(!latencies.is_empty(), "nothing was asked at half load");
    Ok(latencies[latencies.len() * 99 / 100])
}

/// From when a check was due to its answer: one that has to wait for the one before it has waited.
async fn paced(
    address: SocketAddr,
    checks: Arc<[Bytes]>,
    first: usize,
    pace: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = Connection::open(address).await?;
    let mut ticks = interval(pace);
    let began: Instant = now();
    let mut latencies = Vec::new();
    for number in (first..).step_by(PACED_CONNECTIONS) {
        let due = ticks.tick().await.into_std();
        if began.elapsed() > PACED_FOR {
            break;
        }
        stream.send(&checks[number % checks.len()]).await?;
        latencies.push(due.elapsed());
    }
    Ok(latencies)
}

async fn tenants(app: &App) -> anyhow::Result<Vec<TenantId>> {
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        let id = TenantId::from_uuid(app.clock.new_id());
        let email = format!("tenant-{number}@example.com");
        let tenant = Tenant::new(id, &format!("Tenant {number}"), &email, app.clock.now())?;
        tenants.push(create(app, &Origin::system(), tenant).await?.id);
    }
    Ok(tenants)
}

fn check(tenant: TenantId, token: &str) -> Bytes {
    let body = r#"{"quantity":1}"#;
    format!(
        "POST /api/v1/billing/tenants/{tenant}/entitlements/api_calls/check HTTP/1.1\r\nhost: bench\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}
