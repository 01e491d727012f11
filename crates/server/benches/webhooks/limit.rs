//! What a database can do at all with as many rows: inserted and updated in bulk, and nothing else.

use std::time::Duration;

use tollhouse_server::db::Db;

use crate::generator::now;

/// Rows in one statement and in one transaction.
const ROWS_AT_ONCE: usize = 512;

/// Inserts rows with a body of a kilobyte, then updates each, as a delivery is received and settled.
pub async fn insert_and_update(db: &Db, rows: usize) -> anyhow::Result<Duration> {
    let body = "x".repeat(1000);
    let mut tx = db.begin().await?;
    tx.query("CREATE TABLE bench_rows (id BIGINT PRIMARY KEY, body TEXT, state TEXT)")
        .execute()
        .await?;
    tx.commit().await?;
    let ids: Vec<i64> = (0..).take(rows).collect();
    let began = now();
    for ids in ids.chunks(ROWS_AT_ONCE) {
        let mut tx = db.begin().await?;
        tx.query("INSERT INTO bench_rows (id, body, state)")
            .values(ids, |row, id| row.column(id).column(&body).column(&"received"))
            .execute()
            .await?;
        tx.commit().await?;
        let mut tx = db.begin().await?;
        tx.query("UPDATE bench_rows SET state = 'done' WHERE id IN ").list(ids).execute().await?;
        tx.commit().await?;
    }
    let elapsed = began.elapsed();
    let mut tx = db.begin().await?;
    tx.query("DROP TABLE bench_rows").execute().await?;
    tx.commit().await?;
    Ok(elapsed)
}
