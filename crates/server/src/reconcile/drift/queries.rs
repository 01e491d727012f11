//! All SQL of `drift`.

use tollhouse_domain::{
    id::{DriftId, RunId, TenantId},
    reconcile::DriftState,
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, Json};

/// One thing that differed from Stripe.
#[derive(Clone, Debug, Record)]
pub struct Drift {
    pub id: DriftId,
    /// The run that found it first.
    pub run_id: RunId,
    /// `subscription`, `invoice` …
    pub object_kind: String,
    /// Stripe's.
    pub object_id: String,
    pub tenant_id: Option<TenantId>,
    pub state: DriftState,
    /// A list of `picture::Difference`.
    pub differences: Json,
    /// How it came, or what stands against healing it.
    pub reason: String,
    pub found_at: Timestamp,
    /// When it was last found to be so.
    pub seen_at: Timestamp,
    /// When it was healed, or a person said that it is.
    pub settled_at: Option<Timestamp>,
}

/// `false` where the object waits for a person already.
pub async fn insert(conn: &mut Conn, row: &Drift) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO drift (id, run_id, object_kind, object_id, tenant_id, state, differences, reason,
             found_at, seen_at, settled_at)
         VALUES ({row.id}, {row.run_id}, {row.object_kind}, {row.object_id}, {row.tenant_id}, {row.state},
             {row.differences}, {row.reason}, {row.found_at}, {row.seen_at}, {row.settled_at})
         ON CONFLICT DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

/// What waits for a person about an object.
pub async fn find_open(
    conn: &mut Conn,
    object_kind: &str,
    object_id: &str,
) -> DbResult<Option<Drift>> {
    sql!(
        conn,
        "SELECT * FROM drift
         WHERE object_kind = {object_kind} AND object_id = {object_id} AND state = 'needs_person'"
    )
    .optional()
    .await
}

pub async fn find(conn: &mut Conn, id: DriftId) -> DbResult<Option<Drift>> {
    sql!(conn, "SELECT * FROM drift WHERE id = {id}").optional().await
}

/// It still waits for a person, perhaps for another reason.
pub async fn see_again(conn: &mut Conn, id: DriftId, reason: &str, now: Timestamp) -> DbResult<()> {
    sql!(conn, "UPDATE drift SET seen_at = {now}, reason = {reason} WHERE id = {id}")
        .execute()
        .await?;
    Ok(())
}

/// Ends what waits for a person; `false` where it was ended meanwhile.
pub async fn settle(
    conn: &mut Conn,
    id: DriftId,
    state: DriftState,
    now: Timestamp,
) -> DbResult<bool> {
    let settled = sql!(
        conn,
        "UPDATE drift SET state = {state}, settled_at = {now} WHERE id = {id} AND state = 'needs_person'"
    )
    .execute()
    .await?;
    Ok(settled == 1)
}

#[derive(Record)]
struct Open {
    open: i64,
}

/// How many differences wait for a person.
pub async fn count_open(conn: &mut Conn) -> DbResult<i64> {
    let open: Open =
        sql!(conn, "SELECT COUNT(*) AS open FROM drift WHERE state = 'needs_person'").one().await?;
    Ok(open.open)
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(
    conn: &mut Conn,
    state: Option<DriftState>,
    before: Option<DriftId>,
    limit: i64,
) -> DbResult<Vec<Drift>> {
    conn.query("SELECT * FROM drift WHERE 1 = 1")
        .filter(" AND state = ?", state)
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}
