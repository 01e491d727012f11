//! Asking for a run.

use std::collections::BTreeMap;

use tollhouse_domain::id::RetentionRunId;

use super::queries::{self, Run, State};
use crate::{
    app::App,
    db::Json,
    error::{Conflict, Error, Result},
    nudge::Nudge,
};

/// Begins a run, or answers the same that is under way. A task works at it. A dry run only counts.
///
/// # Errors
/// `Conflict` while a run of the other kind is under way.
pub async fn request(app: &App, dry_run: bool) -> Result<Run> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(running) = queries::find_running(&mut tx).await? {
        if running.dry_run == dry_run {
            return Ok(running);
        }
        let sentence = "Another retention run is under way: wait until it is done.".to_owned();
        return Err(Error::Conflict(Conflict::RetentionRunning, sentence));
    }
    let run = Run {
        id: RetentionRunId::from_uuid(app.clock.new_id()),
        state: State::Running,
        dry_run,
        removed: Json::of(&BTreeMap::<String, u64>::new())?,
        error: None,
        leased_until: now,
        fence: 0,
        started_at: now,
        finished_at: None,
    };
    if !queries::insert(&mut tx, &run).await? {
        return Err(Error::Unavailable("another retention run was begun at the same moment"));
    }
    tx.nudge_after_commit(Nudge::Retention);
    tx.commit().await?;
    Ok(run)
}
