//! Comparing by the clock, and going on with what was begun.

use std::sync::Arc;

use tollhouse_domain::{reconcile::RunKind, time::Timestamp};

use super::{actions::request, queries, run};
use crate::{app::App, error::Result, record::Origin};

/// Begins a run where one is due, and works at the one that waits.
pub async fn reconcile(app: Arc<App>) -> Result<()> {
    if app.config.reconcile.enabled
        && app.config.stripe.secret_key.is_some()
        && let Some(kind) = due(&app).await?
    {
        request(&app, &Origin::system(), kind, None).await?;
    }
    run::work(&app).await?;
    Ok(())
}

/// What is due by the clock, while nothing is under way.
async fn due(app: &App) -> Result<Option<RunKind>> {
    let settings = &app.config.reconcile;
    let now = app.clock.now();
    let is_due = |begun: Option<Timestamp>, interval: u32| {
        begun.is_none_or(|begun| begun.plus_seconds(i64::from(interval)) <= now)
    };
    let mut conn = app.db.read().await?;
    if queries::find_running(&mut conn).await?.is_some() {
        return Ok(None);
    }
    let newest = queries::find_newest(&mut conn).await?;
    if !is_due(newest.map(|run| run.started_at), settings.interval_seconds) {
        return Ok(None);
    }
    let full = queries::find_newest_full(&mut conn).await?;
    let is_full = is_due(full.map(|run| run.started_at), settings.full_interval_seconds);
    Ok(Some(if is_full { RunKind::Full } else { RunKind::Events }))
}
