//! All SQL of `audit_entries`.

use tollhouse_domain::{
    id::{AuditId, TenantId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};

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
}

pub async fn insert(conn: &mut Conn, entry: &AuditEntry) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO audit_entries (id, tenant_id, action, actor_kind, actor, request_id, subject_kind,
             subject_id, data, occurred_at)
         VALUES ({entry.id}, {entry.tenant_id}, {entry.action}, {entry.actor_kind}, {entry.actor},
             {entry.request_id}, {entry.subject_kind}, {entry.subject_id}, {entry.data}, {entry.occurred_at})"
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
                 subject_id, data, occurred_at)",
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
