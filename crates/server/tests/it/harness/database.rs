//! A database for one test: a file, or one of its own in the server that `cargo xtask test` started.

use tempfile::TempDir;
use tollhouse_server::{db::Db, nudge::Nudges};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

pub struct Database {
    pub url: String,
    /// The file's folder; gone with it.
    _folder: Option<TempDir>,
    name: Option<String>,
}

impl Database {
    pub async fn create(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("test.sqlite").display());
                Self { url, _folder: Some(folder), name: None }
            }
            Kind::Postgres => {
                let name = format!("t_{}", Uuid::from_u128(fastrand::u128(..)).simple());
                run_on_server(&format!("CREATE DATABASE {name}")).await;
                let server = server_url();
                let (server, _) = server.rsplit_once('/').unwrap();
                Self { url: format!("{server}/{name}"), _folder: None, name: Some(name) }
            }
        }
    }

    pub async fn drop(self) {
        if let Some(name) = &self.name {
            run_on_server(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

/// A statement to the Postgres server, outside of the test's own database.
pub async fn run_on_server(statement: &str) {
    let db = Db::open(&server_url(), 1, Nudges::default()).await.unwrap();
    let mut conn = db.read().await.unwrap();
    conn.query(statement.to_owned()).execute().await.unwrap();
    drop(conn);
    db.close().await;
}

#[expect(clippy::disallowed_methods, reason = "the test command says where its servers are")]
pub fn server_url() -> String {
    std::env::var("TEST_DATABASE_URL").expect("run the tests with `cargo xtask test`")
}

#[expect(clippy::disallowed_methods, reason = "the test command says where its servers are")]
pub fn redis_url() -> String {
    std::env::var("TEST_REDIS_URL").expect("run the tests with `cargo xtask test`")
}
