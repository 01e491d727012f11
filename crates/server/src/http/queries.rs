//! All SQL of `idempotency_keys`.

use tollhouse_domain::time::Timestamp;
use tollhouse_sql::{Record, sql};
use uuid::Uuid;

use crate::db::{Conn, DbResult};

/// A key that somebody holds or has held.
#[derive(Clone, Debug, Record)]
pub struct Reservation {
    pub request_hash: String,
    pub work_id: Uuid,
    pub locked_until: Timestamp,
    pub status: Option<i64>,
    pub body: Option<Vec<u8>>,
}

/// `false` where the key is known already.
pub async fn reserve(
    conn: &mut Conn,
    scope: &str,
    key: &str,
    new: &Reservation,
    now: Timestamp,
) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO idempotency_keys (scope, key, request_hash, work_id, locked_until, created_at)
         VALUES ({scope}, {key}, {new.request_hash}, {new.work_id}, {new.locked_until}, {now})
         ON CONFLICT (scope, key) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn get(conn: &mut Conn, scope: &str, key: &str) -> DbResult<Reservation> {
    let locked = conn.for_update();
    conn.query("SELECT * FROM idempotency_keys WHERE 1 = 1")
        .filter(" AND scope = ?", Some(scope))
        .filter(" AND key = ?", Some(key))
        .push(locked)
        .one()
        .await
}

/// Takes a key whose holder has died.
pub async fn take_over(
    conn: &mut Conn,
    scope: &str,
    key: &str,
    locked_until: Timestamp,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE idempotency_keys SET locked_until = {locked_until}
         WHERE scope = {scope} AND key = {key}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Keeps the answer, where the key is still held by whoever asks.
pub async fn answer(
    conn: &mut Conn,
    scope: &str,
    key: &str,
    held_until: Timestamp,
    (status, body): (u16, &[u8]),
) -> DbResult<()> {
    let (status, body) = (i64::from(status), body.to_vec());
    sql!(
        conn,
        "UPDATE idempotency_keys SET status = {status}, body = {body}
         WHERE scope = {scope} AND key = {key} AND locked_until = {held_until}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Lets the next attempt run at once, under the same id.
pub async fn release(
    conn: &mut Conn,
    scope: &str,
    key: &str,
    held_until: Timestamp,
    now: Timestamp,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE idempotency_keys SET locked_until = {now}
         WHERE scope = {scope} AND key = {key} AND locked_until = {held_until}"
    )
    .execute()
    .await?;
    Ok(())
}

pub async fn forget(conn: &mut Conn, before: Timestamp) -> DbResult<()> {
    sql!(conn, "DELETE FROM idempotency_keys WHERE created_at < {before}").execute().await?;
    Ok(())
}

/// Asks the database for a sign of life.
pub async fn ping(conn: &mut Conn) -> DbResult<()> {
    sql!(conn, "SELECT 1").execute().await?;
    Ok(())
}
