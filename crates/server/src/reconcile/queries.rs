//! All SQL of `reconcile_runs`.

use tollhouse_domain::{
    id::RunId,
    reconcile::{RunKind, RunState, Stage},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult};

/// One comparison of our tables with Stripe.
#[derive(Clone, Debug, Record)]
pub struct Run {
    pub id: RunId,
    pub kind: RunKind,
    pub state: RunState,
    /// What is being compared.
    pub stage: Stage,
    /// The last object of the last page that was compared whole.
    pub cursor: Option<String>,
    /// Stripe's event up to which everything was looked at.
    pub event_cursor: Option<String>,
    /// The metadata key under which customers bear the id of their tenant; of imports.
    pub tenant_key: Option<String>,
    pub looked_at: i64,
    /// Webhooks that never came.
    pub lost: i64,
    /// Objects of which we knew something else.
    pub changed: i64,
    pub needs_person: i64,
    pub tenants_made: i64,
    /// Failures since anything was compared.
    pub attempts: i64,
    pub error: Option<String>,
    /// Nobody else works at it until then.
    pub leased_until: Timestamp,
    pub fence: i64,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// `false` where one is under way.
pub async fn insert(conn: &mut Conn, run: &Run) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO reconcile_runs (id, kind, state, stage, event_cursor, tenant_key, looked_at, lost,
             changed, needs_person, tenants_made, attempts, leased_until, fence, started_at)
         VALUES ({run.id}, {run.kind}, {run.state}, {run.stage}, {run.event_cursor}, {run.tenant_key},
             {run.looked_at}, {run.lost}, {run.changed}, {run.needs_person}, {run.tenants_made},
             {run.attempts}, {run.leased_until}, {run.fence}, {run.started_at})
         ON CONFLICT DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn find(conn: &mut Conn, id: RunId) -> DbResult<Option<Run>> {
    sql!(conn, "SELECT * FROM reconcile_runs WHERE id = {id}").optional().await
}

/// The one that is under way.
pub async fn find_running(conn: &mut Conn) -> DbResult<Option<Run>> {
    sql!(conn, "SELECT * FROM reconcile_runs WHERE state = 'running'").optional().await
}

pub async fn find_newest(conn: &mut Conn) -> DbResult<Option<Run>> {
    sql!(conn, "SELECT * FROM reconcile_runs ORDER BY id DESC LIMIT 1").optional().await
}

/// The newest that compared every object to its end.
pub async fn find_newest_full(conn: &mut Conn) -> DbResult<Option<Run>> {
    sql!(
        conn,
        "SELECT * FROM reconcile_runs WHERE kind <> 'events' AND state = 'done' ORDER BY id DESC LIMIT 1"
    )
    .optional()
    .await
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(conn: &mut Conn, before: Option<RunId>, limit: i64) -> DbResult<Vec<Run>> {
    conn.query("SELECT * FROM reconcile_runs WHERE 1 = 1")
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// Has a run compare more than it was to; one that compares as much already stays as it is.
pub async fn widen(conn: &mut Conn, run: &Run) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE reconcile_runs SET kind = {run.kind}, tenant_key = {run.tenant_key} WHERE id = {run.id}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Takes the run that nobody works at, until `until`.
pub async fn claim(conn: &mut Conn, now: Timestamp, until: Timestamp) -> DbResult<Option<Run>> {
    sql!(
        conn,
        "UPDATE reconcile_runs SET leased_until = {until}, fence = fence + 1
         WHERE state = 'running' AND leased_until <= {now} RETURNING *"
    )
    .optional()
    .await
}

/// Writes down how far a run is; `false` where somebody else works at it now.
pub async fn save(conn: &mut Conn, run: &Run) -> DbResult<bool> {
    let saved = sql!(
        conn,
        "UPDATE reconcile_runs SET stage = {run.stage}, cursor = {run.cursor},
             event_cursor = {run.event_cursor}, looked_at = {run.looked_at}, lost = {run.lost},
             changed = {run.changed}, needs_person = {run.needs_person},
             tenants_made = {run.tenants_made}, attempts = {run.attempts}, error = {run.error},
             leased_until = {run.leased_until}
         WHERE id = {run.id} AND fence = {run.fence} AND state = 'running'"
    )
    .execute()
    .await?;
    Ok(saved == 1)
}

/// Ends a run; `false` where somebody else works at it now, or it is to compare more meanwhile.
pub async fn finish(conn: &mut Conn, run: &Run) -> DbResult<bool> {
    let finished = sql!(
        conn,
        "UPDATE reconcile_runs SET state = {run.state}, error = {run.error}, finished_at = {run.finished_at}
         WHERE id = {run.id} AND fence = {run.fence} AND state = 'running' AND kind = {run.kind}"
    )
    .execute()
    .await?;
    Ok(finished == 1)
}
