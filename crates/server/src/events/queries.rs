//! All SQL of `events`, `event_counters`, `event_positions` and `event_copies`.

use tollhouse_domain::{
    event::EventType,
    id::{EventId, TenantId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use uuid::Uuid;

use crate::db::{Conn, DbResult, Json};

/// One thing that happened to a tenant.
#[derive(Clone, Debug, Record)]
pub struct Event {
    pub tenant_id: TenantId,
    pub sequence: i64,
    /// Where it stands among the events of all tenants; none until it is placed.
    pub position: Option<i64>,
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
    /// Only numbers below this one; of all tenants together, positions.
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

/// What is new of a tenant since somebody last asked.
#[derive(Clone, Copy, Debug, Record)]
pub struct Unrelayed {
    pub tenant_id: TenantId,
    /// The last number handed on before.
    pub relayed: i64,
    /// The newest number; handed on with this.
    pub last: i64,
}

/// Whether there are any.
pub async fn has_unrelayed(conn: &mut Conn) -> DbResult<bool> {
    let found: Option<Last> =
        sql!(conn, "SELECT last FROM event_counters WHERE relayed < last LIMIT 1")
            .optional()
            .await?;
    Ok(found.is_some())
}

/// Tenants with events that were not handed on yet; from here on they count as handed on. Those whose next
/// event is being written are left for the next time.
pub async fn take_unrelayed(conn: &mut Conn, limit: i64) -> DbResult<Vec<Unrelayed>> {
    let skip_locked = conn.skip_locked();
    let taken: Vec<Unrelayed> = conn
        .query("SELECT tenant_id, relayed, last FROM event_counters WHERE relayed < last")
        .filter(" ORDER BY tenant_id LIMIT ?", Some(limit))
        .push(skip_locked)
        .all()
        .await?;
    if taken.is_empty() {
        return Ok(taken);
    }
    let tenants: Vec<TenantId> = taken.iter().map(|counter| counter.tenant_id).collect();
    conn.query("UPDATE event_counters SET relayed = last WHERE tenant_id IN ")
        .list(&tenants)
        .execute()
        .await?;
    Ok(taken)
}

/// The newest number; 0 before anything happened.
pub async fn last_sequence(conn: &mut Conn, tenant: TenantId) -> DbResult<i64> {
    let counter: Option<Last> =
        sql!(conn, "SELECT last FROM event_counters WHERE tenant_id = {tenant}").optional().await?;
    Ok(counter.map_or(0, |counter| counter.last))
}

/// What happened to all tenants, or to one, newest first, one more than `limit` when there are more.
pub async fn history_of_all(
    conn: &mut Conn,
    tenant: Option<TenantId>,
    filter: Filter,
    limit: i64,
) -> DbResult<Vec<Event>> {
    conn.query("SELECT * FROM events WHERE position IS NOT NULL")
        .filter(" AND tenant_id = ?", tenant)
        .filter(" AND type = ?", filter.r#type)
        .filter(" AND position < ?", filter.before)
        .filter(" ORDER BY position DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// What happened to all tenants, or to one, from the first position above `after`, in order.
pub async fn since_of_all(
    conn: &mut Conn,
    tenant: Option<TenantId>,
    r#type: Option<EventType>,
    after: i64,
    limit: i64,
) -> DbResult<Vec<Event>> {
    conn.query("SELECT * FROM events WHERE 1 = 1")
        .filter(" AND position > ?", Some(after))
        .filter(" AND tenant_id = ?", tenant)
        .filter(" AND type = ?", r#type)
        .filter(" ORDER BY position LIMIT ?", Some(limit))
        .all()
        .await
}

/// The newest position; 0 before any event was placed.
pub async fn last_position(conn: &mut Conn) -> DbResult<i64> {
    let last: Last = sql!(conn, "SELECT last FROM event_positions WHERE id = 1").one().await?;
    Ok(last.last)
}

#[derive(Record)]
struct Found {
    #[expect(dead_code, reason = "that there is one is all that is asked")]
    sequence: i64,
}

#[derive(Record)]
struct Number {
    sequence: i64,
}

/// The number of a tenant's first event that happened after a moment.
pub async fn first_after(
    conn: &mut Conn,
    tenant: TenantId,
    moment: Timestamp,
) -> DbResult<Option<i64>> {
    let row: Option<Number> = sql!(
        conn,
        "SELECT sequence FROM events WHERE tenant_id = {tenant} AND occurred_at > {moment}
         ORDER BY sequence LIMIT 1"
    )
    .optional()
    .await?;
    Ok(row.map(|row| row.sequence))
}

/// The numbers of a tenant's events above `after` and below `below`. What has no position yet stays.
pub async fn list_between(
    conn: &mut Conn,
    tenant: TenantId,
    after: i64,
    below: i64,
    limit: i64,
) -> DbResult<Vec<i64>> {
    let rows: Vec<Number> = sql!(
        conn,
        "SELECT sequence FROM events
         WHERE tenant_id = {tenant} AND sequence > {after} AND sequence < {below} AND position IS NOT NULL
         ORDER BY sequence LIMIT {limit}"
    )
    .all()
    .await?;
    Ok(rows.into_iter().map(|row| row.sequence).collect())
}

/// Removes a tenant's oldest events. Numbers given later follow the last one all the same.
pub async fn remove(conn: &mut Conn, tenant: TenantId, numbers: &[i64]) -> DbResult<u64> {
    conn.query("DELETE FROM events WHERE 1 = 1")
        .filter(" AND tenant_id = ?", Some(tenant))
        .push(" AND sequence IN ")
        .list(numbers)
        .execute()
        .await
}

/// Events that were committed and have no position yet.
#[derive(Clone, Copy, Debug, Record)]
pub struct Unplaced {
    pub events: i64,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
}

/// More are as bad.
const UNPLACED_MAX: i64 = 100_000;

/// Looks at no more than [`UNPLACED_MAX`] of them: monitors ask every few seconds.
pub async fn unplaced(conn: &mut Conn) -> DbResult<Unplaced> {
    sql!(
        conn,
        "SELECT COUNT(*) AS events, MIN(occurred_at) AS oldest
         FROM (SELECT occurred_at FROM events WHERE position IS NULL LIMIT {UNPLACED_MAX}) AS unplaced"
    )
    .one()
    .await
}

pub async fn any_unplaced(conn: &mut Conn) -> DbResult<bool> {
    let found: Option<Found> =
        sql!(conn, "SELECT sequence FROM events WHERE position IS NULL LIMIT 1").optional().await?;
    Ok(found.is_some())
}

/// Gives the next positions to events that were committed and have none; how many. The one row of
/// `event_positions` is locked first, so that nobody places beside us, and what we then see holds all that
/// was placed before. A tenant's events that we see begin where those placed end, without a gap: their
/// numbers follow their commits. So does the order here: by time, as far as each tenant's own order allows.
pub async fn place(conn: &mut Conn, limit: i64) -> DbResult<u64> {
    let for_update = conn.for_update();
    let last: Last =
        conn.query("SELECT last FROM event_positions WHERE id = 1").push(for_update).one().await?;
    let last = last.last;
    let placed = sql!(
        conn,
        "UPDATE events SET position = {last} + placed.place
         FROM (
             SELECT tenant_id, sequence, ROW_NUMBER() OVER (ORDER BY latest, tenant_id, sequence) AS place
             FROM (
                 SELECT tenant_id, sequence,
                     MAX(occurred_at) OVER (PARTITION BY tenant_id ORDER BY sequence) AS latest
                 FROM events WHERE position IS NULL
             ) AS timed
             ORDER BY latest, tenant_id, sequence LIMIT {limit}
         ) AS placed
         WHERE events.tenant_id = placed.tenant_id AND events.sequence = placed.sequence"
    )
    .execute()
    .await?;
    let next = last + i64::try_from(placed).unwrap_or(0);
    sql!(conn, "UPDATE event_positions SET last = {next} WHERE id = 1").execute().await?;
    Ok(placed)
}

/// The right to copy, for a while.
#[derive(Clone, Copy, Debug, Record)]
pub struct Lease {
    /// Every event up to this one was copied.
    pub position: i64,
    /// Shown with every step; a later holder has a higher one.
    pub token: i64,
}

/// Takes the lease where it is free or ours, until `until`; `None` where another process has it.
pub async fn take_lease(
    conn: &mut Conn,
    name: &str,
    holder: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> DbResult<Option<Lease>> {
    sql!(
        conn,
        "UPDATE event_copies
         SET token = CASE WHEN holder = {holder} THEN token ELSE token + 1 END,
             holder = {holder}, held_until = {until}
         WHERE name = {name} AND (holder = {holder} OR held_until <= {now})
         RETURNING position, token"
    )
    .optional()
    .await
}

/// Notes how far the copy got, and holds on to the lease; `false` where another process has it by now.
pub async fn note_copied(
    conn: &mut Conn,
    name: &str,
    lease: Lease,
    until: Timestamp,
) -> DbResult<bool> {
    let noted = sql!(
        conn,
        "UPDATE event_copies SET position = {lease.position}, held_until = {until}
         WHERE name = {name} AND token = {lease.token}"
    )
    .execute()
    .await?;
    Ok(noted == 1)
}
