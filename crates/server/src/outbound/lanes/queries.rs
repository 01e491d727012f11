//! All SQL of `outbound_lanes`.

use tollhouse_domain::{
    id::{TenantId, WebhookEndpointId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult};

/// One tenant's events on their way to one endpoint, as a worker has claimed it.
#[derive(Clone, Debug, Record)]
pub struct Lane {
    pub endpoint_id: WebhookEndpointId,
    pub tenant_id: TenantId,
    /// The last number that is settled.
    pub sequence: i64,
    /// The newest number there is.
    pub newest: i64,
    /// When the claim runs out; who writes shows it, so that a claim that ran out writes nothing.
    pub claimed_until: Timestamp,
    /// How often the next event failed.
    pub attempts: i64,
    /// Since when.
    pub failing_since: Option<Timestamp>,
}

/// What is new for a lane.
#[derive(Clone, Copy, Debug)]
pub struct Extension {
    pub endpoint_id: WebhookEndpointId,
    pub tenant_id: TenantId,
    /// Where the lane begins if it is not there yet: after this number.
    pub after: i64,
    /// The newest number there is.
    pub newest: i64,
}

/// Tells lanes of what is new; what they wait for otherwise stays.
pub async fn extend(conn: &mut Conn, lanes: &[Extension], now: Timestamp) -> DbResult<()> {
    conn.query(
        "INSERT INTO outbound_lanes (endpoint_id, tenant_id, sequence, newest, due_at, attempts)",
    )
    .values(lanes, |row, lane| {
        row.column(&lane.endpoint_id)
            .column(&lane.tenant_id)
            .column(&lane.after)
            .column(&lane.newest)
            .column(&now)
            .column(&0)
    })
    .push(
        " ON CONFLICT (endpoint_id, tenant_id) DO UPDATE
          SET newest = excluded.newest, due_at = COALESCE(outbound_lanes.due_at, excluded.due_at)",
    )
    .execute()
    .await?;
    Ok(())
}

/// Takes lanes of an endpoint that are due, the longest waiting first, so that nobody else does until `until`.
pub async fn claim(
    conn: &mut Conn,
    endpoint: WebhookEndpointId,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> DbResult<Vec<Lane>> {
    let skip_locked = conn.skip_locked();
    conn.query("UPDATE outbound_lanes SET")
        .filter(" claimed_until = ?", Some(until))
        .filter(" WHERE endpoint_id = ?", Some(endpoint))
        .filter(
            " AND tenant_id IN (SELECT tenant_id FROM outbound_lanes WHERE endpoint_id = ?",
            Some(endpoint),
        )
        .filter(" AND due_at <= ?", Some(now))
        .filter(" AND (claimed_until IS NULL OR claimed_until <= ?)", Some(now))
        .filter(" ORDER BY due_at, tenant_id LIMIT ?", Some(limit))
        .push(skip_locked)
        .push(") RETURNING *")
        .all()
        .await
}

/// Takes one lane, due or not; nothing where somebody has it.
pub async fn claim_one(
    conn: &mut Conn,
    (endpoint, tenant): (WebhookEndpointId, TenantId),
    now: Timestamp,
    until: Timestamp,
) -> DbResult<Option<Lane>> {
    sql!(
        conn,
        "UPDATE outbound_lanes SET claimed_until = {until}
         WHERE endpoint_id = {endpoint} AND tenant_id = {tenant}
             AND (claimed_until IS NULL OR claimed_until <= {now})
         RETURNING *"
    )
    .optional()
    .await
}

/// Writes how far a claimed lane came. It is due again at `due_at` where there is more to send, and stays
/// claimed until `claim`, where given. `false` where the claim ran out: somebody else may have it.
pub async fn write(
    conn: &mut Conn,
    lane: &Lane,
    claim: Option<Timestamp>,
    due_at: Timestamp,
) -> DbResult<bool> {
    let written = conn
        .query("UPDATE outbound_lanes SET")
        .filter(" sequence = ?", Some(lane.sequence))
        .filter(", attempts = ?", Some(lane.attempts))
        .filter(", failing_since = ?", Some(lane.failing_since))
        .filter(", claimed_until = ?", Some(claim))
        .filter(", due_at = CASE WHEN newest > ?", Some(lane.sequence))
        .filter(" THEN ? END", Some(due_at))
        .filter(" WHERE endpoint_id = ?", Some(lane.endpoint_id))
        .filter(" AND tenant_id = ?", Some(lane.tenant_id))
        .filter(" AND claimed_until = ?", Some(lane.claimed_until))
        .execute()
        .await?;
    Ok(written == 1)
}

/// Makes every lane of an endpoint with something to send due now; what failed has its three days again.
/// In the order in which they are extended, so that neither waits for the other for ever.
pub async fn wake(conn: &mut Conn, endpoint: WebhookEndpointId, now: Timestamp) -> DbResult<()> {
    let for_update = conn.for_update();
    conn.query("UPDATE outbound_lanes SET")
        .filter(" due_at = ?", Some(now))
        .filter(", failing_since = CASE WHEN attempts > 0 THEN ? END", Some(now))
        .push(", attempts = CASE WHEN attempts > 0 THEN 1 ELSE 0 END")
        .filter(" WHERE endpoint_id = ?", Some(endpoint))
        .filter(
            " AND tenant_id IN (SELECT tenant_id FROM outbound_lanes WHERE endpoint_id = ?",
            Some(endpoint),
        )
        .push(" AND due_at IS NOT NULL ORDER BY tenant_id")
        .push(for_update)
        .push(")")
        .execute()
        .await?;
    Ok(())
}

/// Lanes that have something to send.
#[derive(Clone, Copy, Debug, Record)]
pub struct Behind {
    /// Due before the moment that was asked for, and not worked.
    pub overdue: i64,
    /// Whose next event was sent, and not taken.
    pub failing: i64,
    pub failing_since: Option<Timestamp>,
}

pub async fn behind(conn: &mut Conn, overdue_since: Timestamp) -> DbResult<Behind> {
    sql!(
        conn,
        "SELECT COUNT(*) FILTER (WHERE due_at <= {overdue_since}) AS overdue,
             COUNT(*) FILTER (WHERE attempts > 0) AS failing, MIN(failing_since) AS failing_since
         FROM outbound_lanes WHERE due_at IS NOT NULL"
    )
    .one()
    .await
}

/// What lanes have to send.
#[derive(Clone, Copy, Debug, Record)]
pub struct Backlog {
    /// Events up to the newest of each lane, those among them that the endpoint does not want.
    pub events: i64,
    /// Lanes whose next event was sent, and not taken.
    pub failing: i64,
}

/// Of no more than `most` lanes.
pub async fn backlog(conn: &mut Conn, most: i64) -> DbResult<Backlog> {
    sql!(
        conn,
        "SELECT CAST(COALESCE(SUM(newest - sequence), 0) AS bigint) AS events,
             COUNT(*) FILTER (WHERE attempts > 0) AS failing
         FROM (SELECT newest, sequence, attempts FROM outbound_lanes WHERE due_at IS NOT NULL LIMIT {most}) AS lanes"
    )
    .one()
    .await
}

/// Sweeps the lanes of endpoints that are gone.
pub async fn forget(conn: &mut Conn) -> DbResult<()> {
    sql!(
        conn,
        "DELETE FROM outbound_lanes WHERE endpoint_id NOT IN (SELECT id FROM webhook_endpoints)"
    )
    .execute()
    .await?;
    Ok(())
}
