//! Two databases, one SQL text: what must be true of both.

use std::collections::BTreeSet;

use tollhouse_server::{
    db::{Column, Db, DbError, Record, Row},
    nudge::Nudges,
};

use crate::harness::{Database, Kind, TestApp, on_both_databases};

on_both_databases! {
    async fn every_static_statement_can_be_prepared(app: &TestApp) {
        let refused = app.app.db.refused_statements().await;
        assert!(refused.is_empty(), "{}", refused.join("\n"));
    }

    async fn migrating_again_changes_nothing(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.app.db.migrate().await.unwrap();
        assert_eq!(app.history(tenant).await, ["tenant.created"]);
    }
}

struct TableColumn(String);

impl Record for TableColumn {
    fn read(row: &Row<'_>) -> Result<Self, DbError> {
        let (table, column) = (String::read(row, "table_name")?, String::read(row, "column_name")?);
        Ok(Self(format!("{table}.{column}")))
    }
}

async fn columns(kind: Kind, sql: &'static str) -> BTreeSet<String> {
    let database = Database::create(kind).await;
    let db = Db::open(&database.url, 2, Nudges::default()).await.unwrap();
    db.migrate().await.unwrap();
    let mut conn = db.read().await.unwrap();
    let columns: Vec<TableColumn> = conn.query(sql).all().await.unwrap();
    drop(conn);
    db.close().await;
    database.drop().await;
    columns.into_iter().map(|column| column.0).filter(|name| !name.starts_with("_sqlx")).collect()
}

#[tokio::test]
async fn both_schemas_have_the_same_columns() {
    let sqlite = "SELECT m.name AS table_name, c.name AS column_name
        FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'";
    let postgres = "SELECT table_name::text, column_name::text FROM information_schema.columns
        WHERE table_schema = 'public'";
    let (sqlite, postgres) =
        (columns(Kind::Sqlite, sqlite).await, columns(Kind::Postgres, postgres).await);
    assert!(sqlite.len() > 50);
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_a_sentence() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let database = Database::create(kind).await;
        let db = Db::open(&database.url, 2, Nudges::default()).await.unwrap();
        db.migrate().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.query(
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
             SELECT 9999, 'of tomorrow', installed_on, success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .execute()
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let refused = db.migrate().await.unwrap_err().to_string();
        assert!(refused.contains("newer Tollhouse"), "{refused}");
        db.close().await;
        database.drop().await;
    }
}
