//! The same events by bare SQL: the fastest way into these tables that each database has.
//!
//! A transaction holds as many events as the service puts into one at most. On Postgres they come by `COPY` into a
//! table of the session, on `SQLite` by one statement of many rows; from there the database itself fills the events and
//! adds up every window. Nothing is looked up, checked or audited, and what is to be written is ready before.

use std::{fmt::Write, time::Duration};

use anyhow::ensure;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tollhouse_domain::id::{TenantId, v7};
use tollhouse_server::{db::Db, nudge::Nudges};
use uuid::Uuid;

use crate::{database::Kind, generator::now, reports::of_number};

const EVENTS_PER_COMMIT: usize = 2048;
const TENANTS: u64 = 100;
/// A moment in the middle of an hour.
const MOMENT: &str = "2026-11-20T12:30:00.000000Z";
const WINDOWS: [(&str, &str); 4] = [
    ("hour", "2026-11-20T12:00:00.000000Z"),
    ("day", "2026-11-20T00:00:00.000000Z"),
    ("month", "2026-11-01T00:00:00.000000Z"),
    ("period", "2026-11-01T00:00:00.000000Z"),
];

/// How long the database takes for so many events.
pub async fn measure(kind: Kind, url: &str, events: usize) -> anyhow::Result<Duration> {
    let db = Db::open(url, 1, Nudges::default()).await?;
    db.migrate().await?;
    db.close().await;
    let tenants: Vec<TenantId> =
        (0..TENANTS).map(|number| TenantId::from_uuid(v7(number, [7; 10]))).collect();
    match kind {
        Kind::Sqlite => sqlite(url, &tenants, events).await,
        Kind::Postgres => postgres(url, &tenants, events).await,
    }
}

fn event_id(number: usize) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(number as u64).to_be_bytes());
    v7(1_795_000_000_000 + number as u64 / 100, random)
}

async fn postgres(url: &str, tenants: &[TenantId], events: usize) -> anyhow::Result<Duration> {
    const EVENTS: &str = "INSERT INTO usage_events SELECT * FROM arrived
        ON CONFLICT (tenant_id, idempotency_key) DO NOTHING";
    let mut conn = PgConnection::connect(url).await?;
    conn.execute("CREATE TEMPORARY TABLE arrived (LIKE usage_events) ON COMMIT DELETE ROWS")
        .await?;
    let chunks: Vec<String> = chunks(events)
        .map(|numbers| {
            let mut text = String::new();
            for number in numbers {
                let (tenant, meter) = of_number(tenants, number);
                let id = event_id(number);
                // Writing to a String cannot fail.
                let _ = writeln!(
                    text,
                    "{id}\t{tenant}\t{meter}\t1\t0\t\\N\tevent-{number}\t{MOMENT}\t{MOMENT}\t2026-11-01 00:00:00+00\t\\N"
                );
            }
            text
        })
        .collect();
    let began = now();
    for chunk in chunks {
        let mut tx = conn.begin().await?;
        let mut copy = tx.copy_in_raw("COPY arrived FROM STDIN").await?;
        copy.send(chunk.as_bytes()).await?;
        copy.finish().await?;
        tx.execute(EVENTS).await?;
        tx.execute(AssertSqlSafe(rollups("arrived", "uuid", "timestamptz"))).await?;
        tx.commit().await?;
    }
    let elapsed = began.elapsed();
    conn.close().await?;
    Ok(elapsed)
}

async fn sqlite(url: &str, tenants: &[TenantId], events: usize) -> anyhow::Result<Duration> {
    let mut conn = SqliteConnection::connect(url).await?;
    conn.execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = memory",
    )
    .await?;
    conn.execute("CREATE TEMPORARY TABLE arrived AS SELECT * FROM usage_events LIMIT 0").await?;
    let row = "(?, ?, ?, 1, 0, NULL, ?, ?, ?, ?, NULL)";
    let began = now();
    for numbers in chunks(events) {
        let mut tx = conn.begin().await?;
        tx.execute("DELETE FROM arrived").await?;
        let rows = vec![row; numbers.len()].join(", ");
        let insert = format!("INSERT INTO arrived VALUES {rows}");
        let mut query = sqlx::query(AssertSqlSafe(insert));
        for number in numbers {
            let (tenant, meter) = of_number(tenants, number);
            query = query
                .bind(event_id(number))
                .bind(tenant.as_uuid())
                .bind(meter)
                .bind(format!("event-{number}"))
                .bind(MOMENT)
                .bind(MOMENT)
                .bind(WINDOWS[3].1);
        }
        query.execute(&mut *tx).await?;
        let inserted = tx
            .execute(
                "INSERT INTO usage_events SELECT * FROM arrived WHERE TRUE
                 ON CONFLICT (tenant_id, idempotency_key) DO NOTHING",
            )
            .await?;
        ensure!(inserted.rows_affected() > 0, "the yardstick inserted nothing");
        tx.execute(AssertSqlSafe(rollups("arrived", "BLOB", "TEXT"))).await?;
        tx.commit().await?;
    }
    let elapsed = began.elapsed();
    conn.close().await?;
    Ok(elapsed)
}

/// The numbers of each commit.
fn chunks(events: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let starts = (0..events).step_by(EVENTS_PER_COMMIT);
    starts.map(move |start| start..(start + EVENTS_PER_COMMIT).min(events))
}

/// Adds what arrived to every window, in one statement.
fn rollups(from: &str, id: &str, moment: &str) -> String {
    let windows: Vec<String> = WINDOWS
        .iter()
        .map(|(per, start)| {
            format!("SELECT '{per}' AS per, CAST('{start}' AS {moment}) AS starts_at")
        })
        .collect();
    format!(
        "INSERT INTO usage_rollups (tenant_id, per, starts_at, meter, events, whole, trillionths, latest_at, latest_id)
         SELECT tenant_id, per, starts_at, meter, COUNT(*), SUM(whole), 0, CAST(NULL AS {moment}), CAST(NULL AS {id})
         FROM {from} CROSS JOIN ({}) AS windows WHERE TRUE GROUP BY tenant_id, per, starts_at, meter
         ORDER BY tenant_id, per, starts_at, meter
         ON CONFLICT (tenant_id, per, starts_at, meter) DO UPDATE SET
             events = usage_rollups.events + excluded.events, whole = usage_rollups.whole + excluded.whole",
        windows.join(" UNION ALL ")
    )
}
