//! All SQL of `outbound_deliveries`.

use std::{fmt, str::FromStr};

use tollhouse_domain::{
    event::EventType,
    id::{EventId, TenantId, WebhookEndpointId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, words};

/// Where an event stands at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Failed, and will be sent again.
    Pending,
    Delivered,
    /// Given up; sent again only where an operator asks for it.
    Dead,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or(())
    }
}

words!(State);

/// What became of one event at one endpoint.
#[derive(Clone, Debug, Record)]
pub struct Delivery {
    pub endpoint_id: WebhookEndpointId,
    pub event_id: EventId,
    pub tenant_id: TenantId,
    pub sequence: i64,
    pub event_type: EventType,
    pub state: State,
    pub attempts: i64,
    /// Of the last attempt.
    pub status: Option<i64>,
    pub reason: Option<String>,
    pub duration_ms: i64,
    pub first_attempt_at: Timestamp,
    pub last_attempt_at: Timestamp,
    /// While pending.
    pub next_attempt_at: Option<Timestamp>,
}

/// Writes what the newest attempt came to; of an earlier one the row keeps its beginning and the count.
pub async fn put(conn: &mut Conn, row: &Delivery) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO outbound_deliveries (endpoint_id, event_id, tenant_id, sequence, event_type, state,
             attempts, status, reason, duration_ms, first_attempt_at, last_attempt_at, next_attempt_at)
         VALUES ({row.endpoint_id}, {row.event_id}, {row.tenant_id}, {row.sequence}, {row.event_type},
             {row.state}, {row.attempts}, {row.status}, {row.reason}, {row.duration_ms},
             {row.first_attempt_at}, {row.last_attempt_at}, {row.next_attempt_at})
         ON CONFLICT (endpoint_id, event_id) DO UPDATE SET state = excluded.state,
             attempts = outbound_deliveries.attempts + 1, status = excluded.status, reason = excluded.reason,
             duration_ms = excluded.duration_ms, last_attempt_at = excluded.last_attempt_at,
             next_attempt_at = excluded.next_attempt_at"
    )
    .execute()
    .await?;
    Ok(())
}

pub async fn find(
    conn: &mut Conn,
    endpoint: WebhookEndpointId,
    event: EventId,
) -> DbResult<Option<Delivery>> {
    sql!(
        conn,
        "SELECT * FROM outbound_deliveries WHERE endpoint_id = {endpoint} AND event_id = {event}"
    )
    .optional()
    .await
}

/// Which deliveries of an endpoint are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub state: Option<State>,
    pub tenant: Option<TenantId>,
    pub before: Option<EventId>,
}

/// The newest events first, one more than `limit` when there are more.
pub async fn list(
    conn: &mut Conn,
    endpoint: WebhookEndpointId,
    filter: Filter,
    limit: i64,
) -> DbResult<Vec<Delivery>> {
    let undelivered = filter.state.is_some_and(|state| state != State::Delivered);
    conn.query("SELECT * FROM outbound_deliveries WHERE 1 = 1")
        // Says nothing new, but leads to the index of the few that are not delivered.
        .push(if undelivered { " AND state <> 'delivered'" } else { "" })
        .filter(" AND endpoint_id = ?", Some(endpoint))
        .filter(" AND state = ?", filter.state)
        .filter(" AND tenant_id = ?", filter.tenant)
        .filter(" AND event_id < ?", filter.before)
        .filter(" ORDER BY event_id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// What waits at an endpoint is sent now.
pub async fn wake(conn: &mut Conn, endpoint: WebhookEndpointId, now: Timestamp) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE outbound_deliveries SET next_attempt_at = {now}
         WHERE endpoint_id = {endpoint} AND state = 'pending'"
    )
    .execute()
    .await?;
    Ok(())
}

/// Drops what was settled before a moment, or waits for an endpoint that is gone.
pub async fn forget(conn: &mut Conn, before: Timestamp) -> DbResult<()> {
    sql!(
        conn,
        "DELETE FROM outbound_deliveries WHERE last_attempt_at < {before} AND (state <> 'pending'
             OR endpoint_id NOT IN (SELECT id FROM webhook_endpoints))"
    )
    .execute()
    .await?;
    Ok(())
}

#[derive(Record)]
struct Count {
    rows: i64,
}

/// How many a tenant has.
pub async fn count_of(conn: &mut Conn, tenant: TenantId) -> DbResult<u64> {
    let count: Count =
        sql!(conn, "SELECT COUNT(*) AS rows FROM outbound_deliveries WHERE tenant_id = {tenant}")
            .one()
            .await?;
    Ok(count.rows.unsigned_abs())
}

/// Removes some of a tenant's; how many.
pub async fn remove_of(conn: &mut Conn, tenant: TenantId, limit: i64) -> DbResult<u64> {
    sql!(
        conn,
        "DELETE FROM outbound_deliveries WHERE (endpoint_id, event_id) IN (
             SELECT endpoint_id, event_id FROM outbound_deliveries WHERE tenant_id = {tenant} LIMIT {limit})"
    )
    .execute()
    .await
}
