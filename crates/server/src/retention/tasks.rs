//! A run each day, and going on with one that was begun.

use std::sync::Arc;

use super::{actions::request, queries, run};
use crate::{app::App, error::Result};

const INTERVAL_DAYS: i64 = 1;

/// Begins a run where one is due, and works at the one that waits.
pub async fn retain(app: Arc<App>) -> Result<()> {
    if is_due(&app).await? {
        request(&app, false).await?;
    }
    run::work(&app).await?;
    Ok(())
}

async fn is_due(app: &App) -> Result<bool> {
    let mut conn = app.db.read().await?;
    if queries::find_running(&mut conn).await?.is_some() {
        return Ok(false);
    }
    let newest = queries::find_newest(&mut conn).await?;
    Ok(newest.is_none_or(|run| run.started_at.plus_days(INTERVAL_DAYS) <= app.clock.now()))
}
