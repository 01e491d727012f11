//! All SQL of `deliveries`.

use tollhouse_domain::{id::DeliveryId, tenant::TenantStatus, time::Timestamp};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::EventId;

use super::{sort::Sorted, state::State};
use crate::db::{Conn, DbResult, Json, Query};

/// A delivery as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub id: DeliveryId,
    pub sorted: Sorted,
    /// By the sender's clock.
    pub signed_at: Option<Timestamp>,
    pub user_agent: Option<String>,
    pub payload: Vec<u8>,
    pub received_at: Timestamp,
}

/// A delivery that a worker has claimed.
#[derive(Clone, Debug, Record)]
pub struct Claimed {
    pub id: DeliveryId,
    pub event_type: String,
    pub object_id: Option<String>,
    pub customer_id: Option<String>,
    pub attempts: i64,
    pub received_at: Timestamp,
    /// When the claim runs out; who settles shows it, so that a claim that ran out settles nothing.
    pub due_at: Timestamp,
}

#[derive(Record)]
struct Inserted {
    id: DeliveryId,
}

/// Inserts those whose event is not known, and says which these are.
pub async fn insert(conn: &mut Conn, batch: &[Received]) -> DbResult<Vec<DeliveryId>> {
    let inserted: Vec<Inserted> = conn.query(
        "INSERT INTO deliveries (id, stripe_event_id, event_type, event_created, api_version, object_id,
             customer_id, signed_at, user_agent, payload, received_at, state, reason, attempts, due_at, settled_at)",
    )
    .values(batch, |row, new| {
        let sorted = &new.sorted;
        let settled_at = (sorted.state != State::Received).then_some(new.received_at);
        row.column(&new.id)
            .column(&sorted.stripe_event_id)
            .column(&sorted.event_type)
            .column(&sorted.event_created)
            .column(&sorted.api_version)
            .column(&sorted.object_id)
            .column(&sorted.customer_id)
            .column(&new.signed_at)
            .column(&new.user_agent)
            .column(&new.payload)
            .column(&new.received_at)
            .column(&sorted.state)
            .column(&sorted.reason)
            .column(&0)
            .column(&new.received_at)
            .column(&settled_at)
    })
    .push(" ON CONFLICT (stripe_event_id) DO NOTHING RETURNING id")
    .all()
    .await?;
    Ok(inserted.into_iter().map(|row| row.id).collect())
}

/// Takes what is due, oldest first, so that nobody else does until `until`.
pub async fn claim(
    conn: &mut Conn,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> DbResult<Vec<Claimed>> {
    let skip_locked = conn.skip_locked();
    let mut claimed: Vec<Claimed> = conn
        .query("UPDATE deliveries SET state = 'working', attempts = attempts + 1")
        .filter(", due_at = ?", Some(until))
        .push(" WHERE id IN (SELECT id FROM deliveries WHERE state IN ('received', 'working', 'failed')")
        .filter(" AND due_at <= ?", Some(now))
        .filter(" ORDER BY due_at, id LIMIT ?", Some(limit))
        .push(skip_locked)
        .push(") RETURNING id, event_type, object_id, customer_id, attempts, received_at, due_at")
        .all()
        .await?;
    claimed.sort_by_key(|delivery| delivery.id);
    Ok(claimed)
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    pub state: State,
    /// Where one is worth telling.
    pub reason: Option<&'a str>,
    pub now: Timestamp,
    pub worked_ms: i64,
}

/// Ends deliveries. Those of a claim that ran out stay.
pub async fn settle(conn: &mut Conn, claimed: &[Claimed], outcome: Outcome<'_>) -> DbResult<()> {
    conn.query("UPDATE deliveries SET")
        .filter(" state = ?", Some(outcome.state))
        .filter(", settled_at = ?", Some(outcome.now))
        .filter(", reason = ?", Some(outcome.reason))
        .filter(", worked_ms = worked_ms + ?", Some(outcome.worked_ms))
        .push(" WHERE id IN ")
        .list(&ids(claimed))
        .push(" AND state = 'working'")
        .filter(" AND due_at = ?", claimed.first().map(|claimed| claimed.due_at))
        .execute()
        .await?;
    Ok(())
}

/// Lets deliveries be tried again later. Those of a claim that ran out stay.
pub async fn put_off(
    conn: &mut Conn,
    claimed: &[Claimed],
    until: Timestamp,
    reason: &str,
    worked_ms: i64,
) -> DbResult<()> {
    conn.query("UPDATE deliveries SET state = 'failed'")
        .filter(", due_at = ?", Some(until))
        .filter(", reason = ?", Some(reason))
        .filter(", worked_ms = worked_ms + ?", Some(worked_ms))
        .push(" WHERE id IN ")
        .list(&ids(claimed))
        .push(" AND state = 'working'")
        .filter(" AND due_at = ?", claimed.first().map(|claimed| claimed.due_at))
        .execute()
        .await?;
    Ok(())
}

/// Lets deliveries that were claimed and not tried be claimed at once. Those of a claim that ran out stay.
pub async fn hand_back(
    conn: &mut Conn,
    claimed: &[Claimed],
    now: Timestamp,
    reason: &str,
) -> DbResult<()> {
    conn.query("UPDATE deliveries SET state = 'failed', attempts = attempts - 1")
        .filter(", due_at = ?", Some(now))
        .filter(", reason = ?", Some(reason))
        .push(" WHERE id IN ")
        .list(&ids(claimed))
        .push(" AND state = 'working'")
        .filter(" AND due_at = ?", claimed.first().map(|claimed| claimed.due_at))
        .execute()
        .await?;
    Ok(())
}

/// Whether a delivery about an object is still to be worked.
pub async fn is_awaited(conn: &mut Conn, object: &str) -> DbResult<bool> {
    let row: Option<Known> = sql!(
        conn,
        "SELECT stripe_event_id FROM deliveries
         WHERE object_id = {object} AND state IN ('received', 'working', 'failed') LIMIT 1"
    )
    .optional()
    .await?;
    Ok(row.is_some())
}

/// Which of these events were delivered to us.
pub async fn list_known(conn: &mut Conn, events: &[EventId]) -> DbResult<Vec<EventId>> {
    let rows: Vec<Known> = conn
        .query("SELECT stripe_event_id FROM deliveries WHERE stripe_event_id IN ")
        .list(events)
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| row.stripe_event_id).collect())
}

#[derive(Record)]
struct Known {
    stripe_event_id: EventId,
}

fn ids(claimed: &[Claimed]) -> Vec<DeliveryId> {
    claimed.iter().map(|claimed| claimed.id).collect()
}

/// A delivery as the ledger shows it, without its body.
#[derive(Clone, Debug, Record)]
pub struct Delivery {
    pub id: DeliveryId,
    pub stripe_event_id: EventId,
    pub event_type: String,
    pub event_created: i64,
    pub api_version: Option<String>,
    pub object_id: Option<String>,
    pub customer_id: Option<String>,
    pub signed_at: Option<Timestamp>,
    pub user_agent: Option<String>,
    pub received_at: Timestamp,
    pub state: State,
    pub attempts: i64,
    pub due_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    pub worked_ms: i64,
    pub reason: Option<String>,
    /// When its body and headers went, where they did.
    pub emptied_at: Option<Timestamp>,
}

/// Every column of [`Delivery`].
const SHOWN: &str = "SELECT id, stripe_event_id, event_type, event_created, api_version, object_id, customer_id,
    signed_at, user_agent, received_at, state, attempts, due_at, settled_at, worked_ms, reason, emptied_at
    FROM deliveries";

/// Which deliveries are meant. Nothing means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub states: Vec<State>,
    pub event_type: Option<String>,
    /// The id of the object they are about.
    pub object_id: Option<String>,
    /// Received at this moment, or later.
    pub from: Option<Timestamp>,
    /// Received before this moment.
    pub to: Option<Timestamp>,
}

impl Filter {
    fn narrow<'c>(&self, query: Query<'c>) -> Query<'c> {
        let query = query.push(" WHERE 1 = 1");
        let query = match self.states.as_slice() {
            [] => query,
            states => query.push(" AND state IN ").list(states),
        };
        query
            .filter(" AND event_type = ?", self.event_type.as_ref())
            .filter(" AND object_id = ?", self.object_id.as_ref())
            .filter(" AND received_at >= ?", self.from)
            .filter(" AND received_at < ?", self.to)
    }
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter,
    before: Option<DeliveryId>,
    limit: i64,
) -> DbResult<Vec<Delivery>> {
    filter
        .narrow(conn.query(SHOWN))
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

pub async fn find(conn: &mut Conn, id: DeliveryId) -> DbResult<Option<Delivery>> {
    conn.query(SHOWN).filter(" WHERE id = ?", Some(id)).optional().await
}

#[derive(Record)]
struct Body {
    payload: Vec<u8>,
}

/// The body of a delivery as it came.
pub async fn find_payload(conn: &mut Conn, id: DeliveryId) -> DbResult<Option<Vec<u8>>> {
    let body: Option<Body> =
        sql!(conn, "SELECT payload FROM deliveries WHERE id = {id}").optional().await?;
    Ok(body.map(|body| body.payload))
}

/// The body of one of many deliveries.
#[derive(Clone, Debug, Record)]
pub struct Payload {
    pub id: DeliveryId,
    pub payload: Vec<u8>,
}

/// The bodies of these.
pub async fn list_payloads(conn: &mut Conn, ids: &[DeliveryId]) -> DbResult<Vec<Payload>> {
    conn.query("SELECT id, payload FROM deliveries WHERE id IN ").list(ids).all().await
}

/// How many deliveries of a type stand where.
#[derive(Clone, Debug, Record)]
pub struct Count {
    pub event_type: String,
    pub state: State,
    pub deliveries: i64,
}

/// By type and state. Stripe has a few hundred types, so this is bounded by itself.
pub async fn counts(conn: &mut Conn, filter: &Filter) -> DbResult<Vec<Count>> {
    filter
        .narrow(conn.query("SELECT event_type, state, COUNT(*) AS deliveries FROM deliveries"))
        .push(" GROUP BY event_type, state ORDER BY event_type, state")
        .all()
        .await
}

/// What is still to be worked, and what waits for a person.
#[derive(Clone, Copy, Debug, Record)]
pub struct Backlog {
    pub waiting: i64,
    /// When the oldest of them came.
    pub oldest: Option<Timestamp>,
    /// Due before the moment that was asked for, and not worked.
    pub overdue: i64,
    pub dead: i64,
    /// When the newest of all came.
    pub newest: Option<Timestamp>,
}

/// More that wait, or are dead, are as bad.
const BACKLOG_MAX: i64 = 100_000;

/// The counts end at [`BACKLOG_MAX`]: monitors ask every few seconds.
pub async fn backlog(conn: &mut Conn, overdue_since: Timestamp) -> DbResult<Backlog> {
    sql!(
        conn,
        "SELECT COUNT(*) AS waiting, MIN(received_at) AS oldest,
             COUNT(*) FILTER (WHERE due_at <= {overdue_since}) AS overdue,
             (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE state = 'dead' LIMIT {BACKLOG_MAX}) AS dead) AS dead,
             (SELECT received_at FROM deliveries ORDER BY id DESC LIMIT 1) AS newest
         FROM (SELECT received_at, due_at FROM deliveries WHERE state IN ('received', 'working', 'failed')
               ORDER BY due_at LIMIT {BACKLOG_MAX}) AS waiting"
    )
    .one()
    .await
}

/// A delivery to be looked at again.
#[derive(Clone, Debug, Record)]
pub struct Replayable {
    pub id: DeliveryId,
    pub state: State,
    pub payload: Vec<u8>,
    pub emptied_at: Option<Timestamp>,
}

/// Oldest first, those that no worker has claimed, locked until the commit.
pub async fn list_replayable(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<DeliveryId>,
    limit: i64,
) -> DbResult<Vec<Replayable>> {
    let skip_locked = conn.skip_locked();
    filter
        .narrow(conn.query("SELECT id, state, payload, emptied_at FROM deliveries"))
        .push(" AND state <> 'working' AND emptied_at IS NULL")
        .filter(" AND id > ?", after)
        .filter(" ORDER BY id LIMIT ?", Some(limit))
        .push(skip_locked)
        .all()
        .await
}

pub async fn find_replayable(conn: &mut Conn, id: DeliveryId) -> DbResult<Option<Replayable>> {
    let for_update = conn.for_update();
    conn.query("SELECT id, state, payload, emptied_at FROM deliveries")
        .filter(" WHERE id = ?", Some(id))
        .push(for_update)
        .optional()
        .await
}

/// Begins a delivery anew, as if it came now. The id of its event stays: by it copies are known.
pub async fn begin_anew(
    conn: &mut Conn,
    id: DeliveryId,
    sorted: &Sorted,
    now: Timestamp,
) -> DbResult<()> {
    let settled_at = (sorted.state != State::Received).then_some(now);
    sql!(
        conn,
        "UPDATE deliveries SET event_type = {sorted.event_type}, event_created = {sorted.event_created},
             api_version = {sorted.api_version}, object_id = {sorted.object_id}, customer_id = {sorted.customer_id},
             state = {sorted.state}, reason = {sorted.reason}, attempts = 0, due_at = {now}, settled_at = {settled_at}
         WHERE id = {id}"
    )
    .execute()
    .await?;
    Ok(())
}

/// A settled delivery that has its body, and whose it is.
#[derive(Clone, Debug, Record)]
pub struct Kept {
    pub id: DeliveryId,
    pub received_at: Timestamp,
    /// The tenant's own `tenants::Retention`.
    pub retention: Option<Json>,
    /// How the tenant stands, and since when.
    pub status: Option<TenantStatus>,
    pub status_since: Option<Timestamp>,
    pub personal_data_erased_at: Option<Timestamp>,
}

/// Settled deliveries with a body, received before a moment, oldest first; those after `after`.
pub async fn list_settled(
    conn: &mut Conn,
    before: Timestamp,
    after: Option<DeliveryId>,
    limit: i64,
) -> DbResult<Vec<Kept>> {
    conn.query(
        "SELECT deliveries.id, received_at, retention, status, status_since, personal_data_erased_at
         FROM deliveries
         LEFT JOIN tenants ON tenants.stripe_customer_id = deliveries.customer_id
         WHERE emptied_at IS NULL AND state IN ('done', 'ignored', 'dead')",
    )
    .filter(" AND received_at <= ?", Some(before))
    .filter(" AND deliveries.id > ?", after)
    .filter(" ORDER BY deliveries.id LIMIT ?", Some(limit))
    .all()
    .await
}

/// Takes body and headers off deliveries that are settled; how many.
pub async fn empty(conn: &mut Conn, ids: &[DeliveryId], now: Timestamp) -> DbResult<u64> {
    conn.query("UPDATE deliveries SET signed_at = NULL, user_agent = NULL")
        .filter(", payload = ?", Some(Vec::<u8>::new()))
        .filter(", emptied_at = ?", Some(now))
        .push(" WHERE emptied_at IS NULL AND state IN ('done', 'ignored', 'dead') AND id IN ")
        .list(ids)
        .execute()
        .await
}
