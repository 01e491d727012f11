//! All SQL of `retention_runs`.

use std::{fmt, str::FromStr};

use tollhouse_domain::{id::RetentionRunId, time::Timestamp};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, Json, words};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Begun and not ended, whether or not somebody works at it now.
    Running,
    Done,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Done => "done",
        })
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(word: &str) -> Result<Self, UnknownState> {
        [Self::Running, Self::Done]
            .into_iter()
            .find(|state| state.to_string() == word)
            .ok_or(UnknownState)
    }
}

/// The word is no state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state of a retention run")]
pub struct UnknownState;

words!(State);

/// One look at everything that is kept.
#[derive(Clone, Debug, Record)]
pub struct Run {
    pub id: RetentionRunId,
    pub state: State,
    /// Whether it only counts what would go.
    pub dry_run: bool,
    /// How many rows went, or would go, by table: a `BTreeMap<String, u64>`.
    pub removed: Json,
    /// Why it was interrupted last.
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
        "INSERT INTO retention_runs (id, state, dry_run, removed, leased_until, fence, started_at)
         VALUES ({run.id}, {run.state}, {run.dry_run}, {run.removed}, {run.leased_until}, {run.fence},
             {run.started_at})
         ON CONFLICT DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn find(conn: &mut Conn, id: RetentionRunId) -> DbResult<Option<Run>> {
    sql!(conn, "SELECT * FROM retention_runs WHERE id = {id}").optional().await
}

/// The one that is under way.
pub async fn find_running(conn: &mut Conn) -> DbResult<Option<Run>> {
    sql!(conn, "SELECT * FROM retention_runs WHERE state = 'running'").optional().await
}

/// The newest that removed, or was to.
pub async fn find_newest(conn: &mut Conn) -> DbResult<Option<Run>> {
    sql!(conn, "SELECT * FROM retention_runs WHERE NOT dry_run ORDER BY id DESC LIMIT 1")
        .optional()
        .await
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(
    conn: &mut Conn,
    before: Option<RetentionRunId>,
    limit: i64,
) -> DbResult<Vec<Run>> {
    conn.query("SELECT * FROM retention_runs WHERE 1 = 1")
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// Takes the run that nobody works at, until `until`.
pub async fn claim(conn: &mut Conn, now: Timestamp, until: Timestamp) -> DbResult<Option<Run>> {
    sql!(
        conn,
        "UPDATE retention_runs SET leased_until = {until}, fence = fence + 1
         WHERE state = 'running' AND leased_until <= {now} RETURNING *"
    )
    .optional()
    .await
}

/// Writes down how far a run is; `false` where somebody else works at it now.
pub async fn save(conn: &mut Conn, run: &Run) -> DbResult<bool> {
    let saved = sql!(
        conn,
        "UPDATE retention_runs SET state = {run.state}, removed = {run.removed}, error = {run.error},
             leased_until = {run.leased_until}, finished_at = {run.finished_at}
         WHERE id = {run.id} AND fence = {run.fence} AND state = 'running'"
    )
    .execute()
    .await?;
    Ok(saved == 1)
}
