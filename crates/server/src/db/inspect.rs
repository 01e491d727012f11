//! What can be said of a database from outside: its file, its journal, its clock.

use std::{path::PathBuf, str::FromStr};

use sqlx::sqlite::SqliteConnectOptions;
use tollhouse_domain::time::Timestamp;
use tollhouse_sql::Record;

use super::{Db, DbResult, Pools};

#[derive(Record)]
struct Journal {
    journal_mode: String,
}

#[derive(Record)]
struct Now {
    now: Timestamp,
}

/// The file of a `sqlite:` URL; `None` for any other.
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    if !url.starts_with("sqlite:") {
        return None;
    }
    SqliteConnectOptions::from_str(url).ok().map(|options| options.get_filename().to_owned())
}

impl Db {
    /// SQLite's word for how it makes changes durable, `wal` as we want it; `None` on Postgres.
    pub async fn journal_mode(&self) -> DbResult<Option<String>> {
        if matches!(self.pools, Pools::Postgres(_)) {
            return Ok(None);
        }
        let journal: Journal = self.read().await?.query("PRAGMA journal_mode").one().await?;
        Ok(Some(journal.journal_mode))
    }

    /// What time it is where Postgres runs; `None` on SQLite, which has no clock of its own.
    pub async fn now(&self) -> DbResult<Option<Timestamp>> {
        if matches!(self.pools, Pools::Sqlite { .. }) {
            return Ok(None);
        }
        let now: Now = self.read().await?.query("SELECT clock_timestamp() AS now").one().await?;
        Ok(Some(now.now))
    }
}
