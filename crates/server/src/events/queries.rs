//! All SQL of `events` and `event_counters`.

use tollhouse_domain::{
    event::EventType,
    id::{EventId, TenantId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, Json};

/// One thing that happened to a tenant.
#[derive(Clone, Debug, Record)]
pub struct Event {
    pub tenant_id: TenantId,
    pub sequence: i64,
    pub id: EventId,
    pub r#type: EventType,
    pub occurred_at: Timestamp,
    pub summary: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub data: Json,
}

/// What of a tenant's history is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub r#type: Option<EventType>,
    /// Only numbers below this one.
    pub before: Option<i64>,
}

#[derive(Record)]
struct Last {
    last: i64,
}

/// Holds the tenant's number until the end of the transaction. Whoever will write several rows of a tenant
/// and an event takes this first, so that two of them cannot wait for each other.
pub async fn lock(conn: &mut Conn, tenant: TenantId) -> DbResult<()> {
    sql!(conn, "UPDATE event_counters SET last = last WHERE tenant_id = {tenant}")
        .execute()
        .await?;
    Ok(())
}

/// The tenant's next number. Its row stays locked until the commit: numbers follow the commits.
pub async fn next_sequence(conn: &mut Conn, tenant: TenantId) -> DbResult<i64> {
    let counter: Last = sql!(
        conn,
        "INSERT INTO event_counters (tenant_id, last) VALUES ({tenant}, 1)
         ON CONFLICT (tenant_id) DO UPDATE SET last = event_counters.last + 1 RETURNING last"
    )
    .one()
    .await?;
    Ok(counter.last)
}

pub async fn insert(conn: &mut Conn, event: &Event) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO events (tenant_id, sequence, id, type, occurred_at, summary, subject_kind, subject_id, data)
         VALUES ({event.tenant_id}, {event.sequence}, {event.id}, {event.r#type}, {event.occurred_at},
             {event.summary}, {event.subject_kind}, {event.subject_id}, {event.data})"
    )
    .execute()
    .await?;
    Ok(())
}

/// Newest first, one more than `limit` when there are more.
pub async fn history(
    conn: &mut Conn,
    tenant: TenantId,
    filter: Filter,
    limit: i64,
) -> DbResult<Vec<Event>> {
    conn.query("SELECT * FROM events WHERE 1 = 1")
        .filter(" AND tenant_id = ?", Some(tenant))
        .filter(" AND type = ?", filter.r#type)
        .filter(" AND sequence < ?", filter.before)
        .filter(" ORDER BY sequence DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// Oldest first, from the first number above `after`.
pub async fn since(
    conn: &mut Conn,
    tenant: TenantId,
    after: i64,
    limit: i64,
) -> DbResult<Vec<Event>> {
    sql!(
        conn,
        "SELECT * FROM events WHERE tenant_id = {tenant} AND sequence > {after}
         ORDER BY sequence LIMIT {limit}"
    )
    .all()
    .await
}

/// The newest number; 0 before anything happened.
pub async fn last_sequence(conn: &mut Conn, tenant: TenantId) -> DbResult<i64> {
    let counter: Option<Last> =
        sql!(conn, "SELECT last FROM event_counters WHERE tenant_id = {tenant}").optional().await?;
    Ok(counter.map_or(0, |counter| counter.last))
}
