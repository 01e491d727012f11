//! Opening SQLite (write-ahead log, one writer) or Postgres, from the URL.

use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection as _, Executor as _,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Db, DbError, DbResult, Pools};
use crate::nudge::Nudges;

const SQLITE_READERS: u32 = 4;
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Beyond this a request answers an error rather than wait for a connection. Before, waiting is no fault to warn of.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection of Postgres that was used so lately is taken to be alive.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// Prepared statements of one connection: those of many rows have some dozen texts each (`portions`).
const STATEMENTS_KEPT: usize = 512;
/// An instance that stands still within a transaction keeps its locks, and others wait for them. No
/// transaction of ours waits for anything but Postgres, so one that asks nothing for this long is given up.
/// A time that the server, the role or the URL sets is left alone.
const GIVE_UP_THE_FROZEN: &str =
    "SELECT set_config('idle_in_transaction_session_timeout', '5s', false)
    WHERE current_setting('idle_in_transaction_session_timeout') = '0'";

impl Db {
    /// Opens `sqlite:path` (made if missing) or `postgres://…`. The schema is [`Db::migrate`]'s.
    pub async fn open(url: &str, postgres_connections: u32, nudges: Nudges) -> DbResult<Self> {
        let pools = if url.starts_with("sqlite:") {
            open_sqlite(url).await?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            open_postgres(url, postgres_connections).await?
        } else {
            // Never the URL itself: it may hold a password.
            let message = "a database URL begins with `sqlite:` or `postgres:`";
            return Err(DbError::Configuration(message.into()));
        };
        Ok(Self { pools, nudges, tenant_role: None })
    }
}

async fn open_postgres(url: &str, connections: u32) -> DbResult<Pools> {
    let options = PgConnectOptions::from_str(url)?.statement_cache_capacity(STATEMENTS_KEPT);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .acquire_slow_threshold(ACQUIRE_TIMEOUT)
        .after_connect(|conn, _| {
            Box::pin(async move { conn.execute(GIVE_UP_THE_FROZEN).await.map(drop) })
        })
        // A ping costs as much as a query: only who has slept for a while is asked whether it still lives.
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_FOR {
                    conn.ping().await?;
                }
                Ok(true)
            })
        });
    Ok(Pools::Postgres(pool.connect_with(options).await?))
}

async fn open_sqlite(url: &str) -> DbResult<Pools> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged delivery survives a power cut; group commit pays for it.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(SQLITE_BUSY_TIMEOUT)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_KEPT)
        // Pages that change again and again are written back once in a while, not every thousand pages.
        .pragma("wal_autocheckpoint", "8192")
        .pragma("temp_store", "memory");
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .acquire_slow_threshold(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .test_before_acquire(false)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .acquire_slow_threshold(ACQUIRE_TIMEOUT)
        .connect_with(options.read_only(true))
        .await?;
    Ok(Pools::Sqlite { writer, readers })
}
