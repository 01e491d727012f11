//! All SQL of `usage_to_forward`.

use tollhouse_domain::{id::UsageEventId, time::Timestamp};
use tollhouse_sql::{Record, sql};
use uuid::Uuid;

use crate::db::{Conn, DbResult};

/// The reports of one commit, as a worker has claimed them.
#[derive(Clone, Debug, Record)]
pub struct Parcel {
    pub id: Uuid,
    usage_events: Vec<u8>,
    /// How many of them were sent.
    pub sent: i64,
    pub attempts: i64,
    /// When the claim runs out; who writes shows it, so that a claim that ran out writes nothing.
    pub claimed_until: Option<Timestamp>,
}

impl Parcel {
    /// Those that were not sent yet, in their order.
    pub fn unsent(&self) -> Vec<UsageEventId> {
        let sent = usize::try_from(self.sent).unwrap_or(usize::MAX);
        let ids = self.usage_events.chunks_exact(16).skip(sent);
        ids.filter_map(|bytes| Uuid::from_slice(bytes).ok()).map(UsageEventId::from_uuid).collect()
    }
}

/// Keeps what a commit counted, in its transaction.
pub async fn insert(
    conn: &mut Conn,
    id: Uuid,
    events: &[UsageEventId],
    now: Timestamp,
) -> DbResult<()> {
    let bytes: Vec<u8> = events.iter().flat_map(|id| id.as_uuid().into_bytes()).collect();
    sql!(
        conn,
        "INSERT INTO usage_to_forward (id, usage_events, sent, attempts, due_at)
         VALUES ({id}, {bytes}, 0, 0, {now})"
    )
    .execute()
    .await?;
    Ok(())
}

/// Takes what is due, the longest waiting first, so that nobody else does until `until`.
pub async fn claim(
    conn: &mut Conn,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> DbResult<Vec<Parcel>> {
    let skip_locked = conn.skip_locked();
    conn.query("UPDATE usage_to_forward SET attempts = attempts + 1")
        .filter(", claimed_until = ?", Some(until))
        .filter(" WHERE id IN (SELECT id FROM usage_to_forward WHERE due_at <= ?", Some(now))
        .filter(" AND (claimed_until IS NULL OR claimed_until <= ?)", Some(now))
        .filter(" ORDER BY due_at, id LIMIT ?", Some(limit))
        .push(skip_locked)
        .push(") RETURNING *")
        .all()
        .await
}

/// So many were sent; `false` where the claim ran out, and somebody else has it.
pub async fn mark_sent(conn: &mut Conn, claimed: &Parcel, sent: i64) -> DbResult<bool> {
    let written = sql!(
        conn,
        "UPDATE usage_to_forward SET sent = {sent}
         WHERE id = {claimed.id} AND claimed_until = {claimed.claimed_until}"
    )
    .execute()
    .await?;
    Ok(written == 1)
}

/// It is tried again at `due_at`, from where it is.
pub async fn put_off(
    conn: &mut Conn,
    claimed: &Parcel,
    due_at: Timestamp,
    reason: &str,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE usage_to_forward SET due_at = {due_at}, reason = {reason}, claimed_until = NULL
         WHERE id = {claimed.id} AND claimed_until = {claimed.claimed_until}"
    )
    .execute()
    .await?;
    Ok(())
}

/// All of it is there.
pub async fn delete(conn: &mut Conn, claimed: &Parcel) -> DbResult<()> {
    sql!(
        conn,
        "DELETE FROM usage_to_forward
         WHERE id = {claimed.id} AND claimed_until = {claimed.claimed_until}"
    )
    .execute()
    .await?;
    Ok(())
}
