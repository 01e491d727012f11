//! A new database for each round, on disk, gone afterwards.

use std::path::Path;

use anyhow::Context;
use tempfile::TempDir;
use tollhouse_server::{db::Db, nudge::Nudges};

#[derive(Clone, Copy)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
        }
    }

    pub fn one_at_a_time(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite, one at a time",
            Self::Postgres => "Postgres, one at a time",
        }
    }
}

pub struct Database {
    pub url: String,
    place: Place,
}

enum Place {
    /// A folder for `SQLite`; it goes when this is dropped.
    Folder(TempDir),
    /// Postgres' database of this name, in the server of this URL.
    Server { url: String, name: String },
}

impl Database {
    pub async fn create(kind: Kind, server_url: &str, round: u32) -> anyhow::Result<Self> {
        match kind {
            Kind::Sqlite => {
                let folder = folder_on_disk()?;
                let url = format!("sqlite:{}", folder.path().join("bench.sqlite").display());
                Ok(Self { url, place: Place::Folder(folder) })
            }
            Kind::Postgres => {
                let name = format!("tollhouse_bench_{}_{round}", std::process::id());
                run_on_server(server_url, &format!("CREATE DATABASE {name}")).await?;
                let (server, _) = server_url.rsplit_once('/').context(SERVER_URL)?;
                let url = format!("{server}/{name}");
                Ok(Self { url, place: Place::Server { url: server_url.to_owned(), name } })
            }
        }
    }

    pub async fn remove(self) -> anyhow::Result<()> {
        match self.place {
            Place::Folder(folder) => folder.close().context("a temporary folder stayed behind"),
            Place::Server { url, name } => {
                run_on_server(&url, &format!("DROP DATABASE {name} WITH (FORCE)")).await
            }
        }
    }
}

const SERVER_URL: &str = "`TEST_DATABASE_URL` must name a Postgres where databases may be created \
                          (`postgres://…/postgres`): run `cargo xtask bench`, which starts one";

/// The Postgres to measure on.
#[expect(clippy::disallowed_methods, reason = "the bench command says where its server is")]
pub fn server_url() -> anyhow::Result<String> {
    std::env::var("TEST_DATABASE_URL").context(SERVER_URL)
}

/// `/tmp` is often memory, where a commit costs nothing.
pub fn folder_on_disk() -> anyhow::Result<TempDir> {
    let disk = Path::new("/var/tmp");
    let parent = if disk.is_dir() { disk.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new()
        .prefix("tollhouse-bench-")
        .tempdir_in(&parent)
        .with_context(|| format!("no folder could be made in `{}`", parent.display()))
}

async fn run_on_server(url: &str, statement: &str) -> anyhow::Result<()> {
    let db = Db::open(url, 1, Nudges::default()).await.context(SERVER_URL)?;
    let mut conn = db.read().await?;
    conn.query(statement.to_owned()).execute().await?;
    drop(conn);
    db.close().await;
    Ok(())
}
