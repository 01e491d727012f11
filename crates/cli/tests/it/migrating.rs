//! Migrations run once, whoever starts first.

use tokio::task::JoinSet;

use crate::harness::{Database, Tollhouse};

const PROCESSES: usize = 4;

/// Several processes find an empty database at the same moment.
async fn started_together(database: &str) {
    let mut starting = JoinSet::new();
    for _ in 0..PROCESSES {
        let tollhouse = Tollhouse::new().with("DATABASE_URL", database);
        starting.spawn(async move { tollhouse.run(&["migrate"]).await.succeeded() });
    }
    let said = starting.join_all().await;
    assert!(said[0].contains("database is at version "), "{said:?}");
    assert!(said.iter().all(|line| *line == said[0]), "{said:?}");
}

#[tokio::test]
async fn an_empty_postgres_is_migrated_once() {
    let database = Database::create().await;
    started_together(&database.url).await;
    database.drop().await;
}

#[tokio::test]
async fn an_empty_sqlite_is_migrated_once() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    started_together(&format!("sqlite:{}", folder.path().join("empty.sqlite").display())).await;
}
