//! All SQL of `sessions`.

use tollhouse_domain::{actor::Role, id::SessionId, time::Timestamp};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult};

/// A session, without what it opens by.
#[derive(Clone, Debug, Record)]
pub struct Session {
    pub id: SessionId,
    /// SHA-256 of the cookie's value.
    pub hash: Vec<u8>,
    /// Whose it is, as the token had it.
    pub subject: String,
    pub role: Role,
    /// Their own tenant, as the token had it.
    pub tenant: Option<String>,
    pub began_at: Timestamp,
    pub ends_at: Timestamp,
}

pub async fn insert(conn: &mut Conn, new: &Session) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO sessions (id, hash, subject, role, tenant, began_at, ends_at)
         VALUES ({new.id}, {new.hash}, {new.subject}, {new.role}, {new.tenant}, {new.began_at}, {new.ends_at})"
    )
    .execute()
    .await?;
    Ok(())
}

/// One that has not ended.
pub async fn find(conn: &mut Conn, hash: Vec<u8>, now: Timestamp) -> DbResult<Option<Session>> {
    sql!(conn, "SELECT * FROM sessions WHERE hash = {hash} AND ends_at > {now}").optional().await
}

/// `false` where it was over.
pub async fn delete(conn: &mut Conn, id: SessionId) -> DbResult<bool> {
    Ok(sql!(conn, "DELETE FROM sessions WHERE id = {id}").execute().await? == 1)
}

pub async fn forget(conn: &mut Conn, now: Timestamp) -> DbResult<()> {
    sql!(conn, "DELETE FROM sessions WHERE ends_at <= {now}").execute().await?;
    Ok(())
}
