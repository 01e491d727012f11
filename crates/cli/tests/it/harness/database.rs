//! A Postgres database for one test, in the server that `cargo xtask test` started.

use tollhouse_server::{Clock, db::Db, nudge::Nudges};

use super::variable;

pub struct Database {
    pub url: String,
    name: String,
}

impl Database {
    pub async fn create() -> Self {
        let name = format!("t_{}", Clock::real().new_id().simple());
        run_on_server(&format!("CREATE DATABASE {name}")).await;
        let server = variable("TEST_DATABASE_URL");
        let (server, _) = server.rsplit_once('/').unwrap();
        Self { url: format!("{server}/{name}"), name }
    }

    pub async fn drop(self) {
        run_on_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

async fn run_on_server(statement: &str) {
    let db = Db::open(&variable("TEST_DATABASE_URL"), 1, Nudges::default()).await.unwrap();
    let mut conn = db.read().await.unwrap();
    conn.query(statement.to_owned()).execute().await.unwrap();
    drop(conn);
    db.close().await;
}
