//! The database: one SQL text per query, on SQLite or Postgres.
//!
//! Owns: nothing; the tables belong to the slices.
//! Does not own: what a query means; that stands in each slice's `queries.rs`.
//! Invariant: a write goes through [`Db::begin`]; SQLite has one writer, so writers queue in our
//! process instead of failing in the file.
//! Invariant: within a request of a tenant's own people, what is read on Postgres is read behind the second wall.
//! Invariant: a nudge given to a transaction is sent after its commit, and never without it.

mod backup;
mod columns;
mod dialect;
mod inspect;
mod migrate;
mod open;
mod page;
mod query;
mod shared;
mod wake;
mod wall;

use std::sync::Arc;

use sqlx::{
    PgPool, Pool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Transaction, pool::PoolConnection,
};

pub use backup::BackupFailed;
pub use columns::{Arguments, Column, EncodeError, Json, Param, Record, Row};
pub(crate) use columns::{word, words};
pub use inspect::sqlite_file;
pub use migrate::{MigrationFailed, Schema, Standing};
pub use page::Page;
pub use query::{Query, Statement, Values, portions};
pub use shared::{Shared, SharedCommit};
pub use wake::Listener;
pub use wall::{WallFailed, within};

use crate::nudge::{Nudge, Nudges};

/// What a driver says went wrong. Only `error.rs` looks inside.
pub use sqlx::Error as DbError;

/// The result of one statement.
pub type DbResult<T> = Result<T, DbError>;

/// One database: SQLite with one writer and a few readers, or a pool of Postgres connections.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
    nudges: Nudges,
    /// In quotes already.
    tenant_role: Option<Arc<str>>,
}

#[derive(Clone)]
enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

impl Db {
    /// A connection to read from. Each statement sees what was committed before it began.
    pub async fn read(&self) -> DbResult<Conn> {
        Ok(match &self.pools {
            Pools::Sqlite { readers, .. } => Conn::Sqlite(readers.acquire().await?),
            Pools::Postgres(pool) => match self.begin_behind_wall("BEGIN READ ONLY") {
                Some(begin) => Conn::PostgresRead(pool.begin_with(begin).await?),
                None => Conn::Postgres(pool.acquire().await?),
            },
        })
    }

    /// A transaction to write in. Dropped without [`Tx::commit`], it leaves nothing behind.
    pub async fn begin(&self) -> DbResult<Tx> {
        let conn = match &self.pools {
            // IMMEDIATE takes the write lock now: a deferred one could fail half-way.
            Pools::Sqlite { writer, .. } => {
                Conn::SqliteTx(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Pools::Postgres(pool) => Conn::PostgresTx(pool.begin().await?),
        };
        Ok(Tx { conn, nudges: self.nudges.clone(), pending: Vec::new() })
    }

    /// A connection to read several things with, all as they were at one moment.
    pub async fn snapshot(&self) -> DbResult<Conn> {
        Ok(match &self.pools {
            Pools::Sqlite { readers, .. } => Conn::SqliteTx(readers.begin().await?),
            Pools::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                let walled = self.begin_behind_wall(begin);
                let begin = walled.unwrap_or_else(|| begin.into_sql_str());
                Conn::PostgresRead(pool.begin_with(begin).await?)
            }
        })
    }

    /// `sqlite` or `postgres`, for people.
    pub fn kind(&self) -> &'static str {
        match self.pools {
            Pools::Sqlite { .. } => "sqlite",
            Pools::Postgres(_) => "postgres",
        }
    }

    /// How many connections each pool has: its name, how many are used, how many idle.
    pub fn connections(&self) -> Vec<(&'static str, i64, i64)> {
        fn of<D: sqlx::Database>(name: &'static str, pool: &Pool<D>) -> (&'static str, i64, i64) {
            let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
            (name, i64::from(pool.size()).saturating_sub(idle), idle)
        }
        match &self.pools {
            Pools::Sqlite { writer, readers } => vec![of("writer", writer), of("readers", readers)],
            Pools::Postgres(pool) => vec![of("all", pool)],
        }
    }

    /// Closes every connection; SQLite folds its write-ahead log back into the file.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// A connection, inside a transaction or not. Queries take `&mut Conn` and need not know.
pub enum Conn {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
    /// In a transaction that only reads, and so locks nothing.
    PostgresRead(Transaction<'static, Postgres>),
}

/// A write transaction, and whom to nudge once it is committed.
pub struct Tx {
    conn: Conn,
    nudges: Nudges,
    pending: Vec<Nudge>,
}

impl Tx {
    /// Wakes those who wait for `nudge`, after the commit.
    pub fn nudge_after_commit(&mut self, nudge: Nudge) {
        if !self.pending.contains(&nudge) {
            self.pending.push(nudge);
        }
    }

    /// Makes everything durable, then sends the nudges.
    pub async fn commit(self) -> DbResult<()> {
        match self.conn {
            Conn::SqliteTx(tx) => tx.commit().await?,
            Conn::PostgresTx(tx) => tx.commit().await?,
            // `Db::begin` makes no others, and they have nothing to commit.
            Conn::Sqlite(_) | Conn::Postgres(_) | Conn::PostgresRead(_) => {}
        }
        for nudge in self.pending {
            self.nudges.send(nudge);
        }
        Ok(())
    }
}

impl std::ops::Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}
