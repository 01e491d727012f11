//! All SQL of `api_keys`.

use tollhouse_domain::{
    id::{ApiKeyId, TenantId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, Json};

/// A key, without what it opens by.
#[derive(Clone, Debug, Record)]
pub struct ApiKey {
    pub id: ApiKeyId,
    /// How it begins, for people to tell it by and for us to find it by.
    pub prefix: String,
    /// SHA-256 of the whole key.
    pub hash: Vec<u8>,
    pub name: String,
    /// `domain::Scope`s.
    pub scopes: Json,
    /// The only tenant it reaches.
    pub tenant_id: Option<TenantId>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
}

/// `false` where the id is taken.
pub async fn insert(conn: &mut Conn, new: &ApiKey) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO api_keys (id, prefix, hash, name, scopes, tenant_id, created_by, created_at, expires_at)
         VALUES ({new.id}, {new.prefix}, {new.hash}, {new.name}, {new.scopes}, {new.tenant_id},
             {new.created_by}, {new.created_at}, {new.expires_at})
         ON CONFLICT (id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn find(conn: &mut Conn, id: ApiKeyId) -> DbResult<Option<ApiKey>> {
    sql!(conn, "SELECT * FROM api_keys WHERE id = {id}").optional().await
}

pub async fn find_by_prefix(conn: &mut Conn, prefix: &str) -> DbResult<Option<ApiKey>> {
    sql!(conn, "SELECT * FROM api_keys WHERE prefix = {prefix}").optional().await
}

/// Newest first, one more than `limit` when there are more; of one tenant, where one is named.
pub async fn list(
    conn: &mut Conn,
    tenant: Option<TenantId>,
    before: Option<ApiKeyId>,
    limit: i64,
) -> DbResult<Vec<ApiKey>> {
    conn.query("SELECT * FROM api_keys WHERE 1 = 1")
        .filter(" AND tenant_id = ?", tenant)
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// `false` where it was revoked before.
pub async fn revoke(conn: &mut Conn, id: ApiKeyId, now: Timestamp) -> DbResult<bool> {
    let revoked =
        sql!(conn, "UPDATE api_keys SET revoked_at = {now} WHERE id = {id} AND revoked_at IS NULL")
            .execute()
            .await?;
    Ok(revoked == 1)
}

/// Notes a use, where the last one noted was before `before`.
pub async fn mark_used(
    conn: &mut Conn,
    id: ApiKeyId,
    now: Timestamp,
    before: Timestamp,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE api_keys SET last_used_at = {now}
         WHERE id = {id} AND (last_used_at IS NULL OR last_used_at < {before})"
    )
    .execute()
    .await?;
    Ok(())
}
