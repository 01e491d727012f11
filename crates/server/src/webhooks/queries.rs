//! All SQL of `deliveries`.

use std::{fmt, str::FromStr};

use tollhouse_domain::{id::DeliveryId, time::Timestamp};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::EventId;

use crate::db::{self, Conn, DbResult};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Stored, not looked at yet.
    Received,
    /// Claimed by a worker until `due_at`.
    Working,
    /// Settled: our rows are what Stripe has.
    Done,
    /// Settled: nothing of ours.
    Ignored,
    /// To be tried again at `due_at`.
    Failed,
    /// Waits for a person.
    Dead,
}

impl State {
    const ALL: [Self; 6] =
        [Self::Received, Self::Working, Self::Done, Self::Ignored, Self::Failed, Self::Dead];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Working => "working",
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
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

db::words!(State);

/// A delivery as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub id: DeliveryId,
    pub stripe_event_id: EventId,
    pub event_type: String,
    /// Unix seconds, Stripe's clock.
    pub event_created: i64,
    pub object_id: Option<String>,
    pub customer_id: Option<String>,
    pub payload: Vec<u8>,
    pub received_at: Timestamp,
    pub state: State,
    /// Why it is settled already, where it is.
    pub reason: Option<&'static str>,
}

/// A delivery that a worker has claimed.
#[derive(Clone, Debug, Record)]
pub struct Claimed {
    pub id: DeliveryId,
    pub event_type: String,
    pub object_id: Option<String>,
    pub customer_id: Option<String>,
    pub attempts: i64,
    /// When the claim runs out; who settles shows it, so that a claim that ran out settles nothing.
    pub due_at: Timestamp,
}

/// How many deliveries stand where.
#[derive(Clone, Debug, Record)]
pub struct Count {
    pub state: State,
    pub deliveries: i64,
}

/// Inserts those whose event is not known.
pub async fn insert(conn: &mut Conn, batch: &[Received]) -> DbResult<()> {
    conn.query(
        "INSERT INTO deliveries (id, stripe_event_id, event_type, event_created, object_id, customer_id,
             payload, received_at, state, reason, attempts, due_at)",
    )
    .values(batch, |row, new| {
        row.column(&new.id)
            .column(&new.stripe_event_id)
            .column(&new.event_type)
            .column(&new.event_created)
            .column(&new.object_id)
            .column(&new.customer_id)
            .column(&new.payload)
            .column(&new.received_at)
            .column(&new.state)
            .column(&new.reason)
            .column(&0)
            .column(&new.received_at)
    })
    .push(" ON CONFLICT (stripe_event_id) DO NOTHING")
    .execute()
    .await?;
    Ok(())
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
        .push(") RETURNING *")
        .all()
        .await?;
    claimed.sort_by_key(|delivery| delivery.id);
    Ok(claimed)
}

/// Ends deliveries, with the reason where one is worth telling. Those of a claim that ran out stay.
pub async fn settle(
    conn: &mut Conn,
    claimed: &[Claimed],
    state: State,
    reason: Option<&str>,
    now: Timestamp,
) -> DbResult<()> {
    conn.query("UPDATE deliveries SET")
        .filter(" state = ?", Some(state))
        .filter(", settled_at = ?", Some(now))
        .filter(", reason = ?", Some(reason))
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
) -> DbResult<()> {
    conn.query("UPDATE deliveries SET state = 'failed'")
        .filter(", due_at = ?", Some(until))
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

pub async fn counts(conn: &mut Conn) -> DbResult<Vec<Count>> {
    sql!(conn, "SELECT state, COUNT(*) AS deliveries FROM deliveries GROUP BY state ORDER BY state")
        .all()
        .await
}
