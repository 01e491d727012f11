//! All SQL of `audit_entries` and `audit_chains`.

use tollhouse_domain::{
    id::{AuditId, TenantId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use uuid::Uuid;

use super::chain::PLATFORM;
use crate::db::{Conn, DbResult, Json, portions};

/// One thing somebody did.
#[derive(Clone, Debug, Record)]
pub struct AuditEntry {
    pub id: AuditId,
    /// None where it concerns the platform.
    pub tenant_id: Option<TenantId>,
    /// `checkout_session.created`, `subscription.activated` …
    pub action: String,
    pub actor_kind: String,
    pub actor: String,
    pub request_id: Option<String>,
    pub subject_kind: String,
    pub subject_id: String,
    pub data: Json,
    pub occurred_at: Timestamp,
    /// Where the request came from; none where nobody asked.
    pub address: Option<String>,
    /// Its place in its chain; none until it is sealed.
    pub number: Option<i64>,
    pub hash: Option<Vec<u8>>,
}

pub async fn insert(conn: &mut Conn, entry: &AuditEntry) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO audit_entries (id, tenant_id, action, actor_kind, actor, request_id, subject_kind,
             subject_id, data, occurred_at, address)
         VALUES ({entry.id}, {entry.tenant_id}, {entry.action}, {entry.actor_kind}, {entry.actor},
             {entry.request_id}, {entry.subject_kind}, {entry.subject_id}, {entry.data}, {entry.occurred_at},
             {entry.address})"
    )
    .execute()
    .await?;
    Ok(())
}

/// Many in one statement.
pub async fn insert_all(conn: &mut Conn, entries: &[AuditEntry]) -> DbResult<()> {
    for portion in portions(entries, 512) {
        conn.query(
            "INSERT INTO audit_entries (id, tenant_id, action, actor_kind, actor, request_id, subject_kind,
                 subject_id, data, occurred_at, address)",
        )
        .values(portion, |row, entry| {
            row.column(&entry.id)
                .column(&entry.tenant_id)
                .column(&entry.action)
                .column(&entry.actor_kind)
                .column(&entry.actor)
                .column(&entry.request_id)
                .column(&entry.subject_kind)
                .column(&entry.subject_id)
                .column(&entry.data)
                .column(&entry.occurred_at)
                .column(&entry.address)
        })
        .execute()
        .await?;
    }
    Ok(())
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(
    conn: &mut Conn,
    tenant: Option<TenantId>,
    before: Option<AuditId>,
    limit: i64,
) -> DbResult<Vec<AuditEntry>> {
    conn.query("SELECT * FROM audit_entries WHERE 1 = 1")
        .filter(" AND tenant_id = ?", tenant)
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// The newest sealed entry of a chain, and the newest one that was removed.
#[derive(Clone, Debug, Record)]
pub struct Chain {
    /// The tenant's id; all zeros for the platform.
    pub id: Uuid,
    pub last_number: i64,
    pub last_hash: Vec<u8>,
    pub gone_number: i64,
    pub gone_hash: Vec<u8>,
}

/// Holds the platform's chain, and with it the right to seal, until the end of the transaction.
pub async fn lock_chains(conn: &mut Conn) -> DbResult<()> {
    sql!(conn, "UPDATE audit_chains SET last_number = last_number WHERE id = {PLATFORM}")
        .execute()
        .await?;
    Ok(())
}

pub async fn any_unsealed(conn: &mut Conn) -> DbResult<bool> {
    let found: Option<Found> =
        sql!(conn, "SELECT id FROM audit_entries WHERE number IS NULL LIMIT 1").optional().await?;
    Ok(found.is_some())
}

#[derive(Record)]
struct Found {
    #[expect(dead_code, reason = "that there is one is all that is asked")]
    id: AuditId,
}

/// Oldest first.
pub async fn list_unsealed(conn: &mut Conn, limit: i64) -> DbResult<Vec<AuditEntry>> {
    sql!(conn, "SELECT * FROM audit_entries WHERE number IS NULL ORDER BY id LIMIT {limit}")
        .all()
        .await
}

/// Those of these chains that have an entry.
pub async fn find_chains(conn: &mut Conn, ids: &[Uuid]) -> DbResult<Vec<Chain>> {
    conn.query("SELECT * FROM audit_chains WHERE id IN ").list(ids).all().await
}

/// A hundred chains at most, in the order of their ids, after `after`.
pub async fn list_chains(conn: &mut Conn, after: Option<Uuid>) -> DbResult<Vec<Chain>> {
    conn.query("SELECT * FROM audit_chains WHERE 1 = 1")
        .filter(" AND id > ?", after)
        .push(" ORDER BY id LIMIT 100")
        .all()
        .await
}

/// Gives entries their places and hashes.
pub async fn seal(conn: &mut Conn, seals: &[(AuditId, i64, Vec<u8>)]) -> DbResult<()> {
    for portion in portions(seals, 512) {
        conn.query("UPDATE audit_entries SET number = seals.column2, hash = seals.column3 FROM (")
            .values(portion, |row, (id, number, hash)| row.column(id).column(number).column(hash))
            .push(") AS seals WHERE audit_entries.id = seals.column1")
            .execute()
            .await?;
    }
    Ok(())
}

/// Notes how far these chains go now.
pub async fn put_chains(conn: &mut Conn, chains: &[(Uuid, i64, Vec<u8>)]) -> DbResult<()> {
    for portion in portions(chains, 512) {
        conn.query("INSERT INTO audit_chains (id, last_number, last_hash)")
            .values(portion, |row, (id, number, hash)| row.column(id).column(number).column(hash))
            .push(
                " ON CONFLICT (id) DO UPDATE SET last_number = excluded.last_number,
                     last_hash = excluded.last_hash",
            )
            .execute()
            .await?;
    }
    Ok(())
}

/// Sealed entries of a tenant, or of the platform, after number `after`, in order.
pub async fn list_sealed(
    conn: &mut Conn,
    tenant: Option<TenantId>,
    after: i64,
    limit: i64,
) -> DbResult<Vec<AuditEntry>> {
    let of_platform = if tenant.is_none() { " AND tenant_id IS NULL" } else { "" };
    conn.query("SELECT * FROM audit_entries WHERE number IS NOT NULL")
        .push(of_platform)
        .filter(" AND tenant_id = ?", tenant)
        .filter(" AND number > ?", Some(after))
        .filter(" ORDER BY number LIMIT ?", Some(limit))
        .all()
        .await
}

/// A place in a chain.
#[derive(Clone, Debug, Record)]
pub struct Place {
    pub number: i64,
    pub hash: Vec<u8>,
}

/// The oldest sealed entries of a tenant, or of the platform, after number `after`, up to the first that is not
/// older than `before`; in order.
pub async fn list_sealed_before(
    conn: &mut Conn,
    tenant: Option<TenantId>,
    after: i64,
    before: Timestamp,
    limit: i64,
) -> DbResult<Vec<Place>> {
    let of_platform = if tenant.is_none() { " AND tenant_id IS NULL" } else { "" };
    // The search for the first young one ends where it begins, in a chain that has no old ones.
    conn.query("SELECT number, hash FROM audit_entries WHERE number IS NOT NULL")
        .push(of_platform)
        .filter(" AND tenant_id = ?", tenant)
        .filter(" AND number > ?", Some(after))
        .push(" AND number < COALESCE((SELECT number FROM audit_entries WHERE number IS NOT NULL")
        .push(of_platform)
        .filter(" AND tenant_id = ?", tenant)
        .filter(" AND number > ?", Some(after))
        .filter(" AND occurred_at >= ?", Some(before))
        .filter(" ORDER BY number LIMIT 1), ?)", Some(i64::MAX))
        .filter(" ORDER BY number LIMIT ?", Some(limit))
        .all()
        .await
}

/// Removes the entries of a chain up to this one, and notes it as the newest that went.
pub async fn remove_to(conn: &mut Conn, tenant: Option<TenantId>, last: &Place) -> DbResult<u64> {
    let Place { number, hash } = last;
    let chain = tenant.map_or(PLATFORM, TenantId::as_uuid);
    sql!(
        conn,
        "UPDATE audit_chains SET gone_number = {number}, gone_hash = {hash}
         WHERE id = {chain} AND gone_number < {number}"
    )
    .execute()
    .await?;
    let of_platform = if tenant.is_none() { " AND tenant_id IS NULL" } else { "" };
    conn.query("DELETE FROM audit_entries WHERE number IS NOT NULL")
        .push(of_platform)
        .filter(" AND tenant_id = ?", tenant)
        .filter(" AND number <= ?", Some(*number))
        .execute()
        .await
}
