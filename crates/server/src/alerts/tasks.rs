//! Looking at every alert, time and again.

use std::sync::Arc;

use super::{queries, watch::watch};
use crate::{app::App, error::Result};

/// Alerts looked at in one go.
const BATCH: i64 = 200;

/// Tells of every alert that has crossed its threshold. Each once, whichever instance sees it.
pub async fn watch_usage(app: Arc<App>) -> Result<()> {
    let mut after = None;
    while !app.stop.is_cancelled() {
        let mut conn = app.db.read().await?;
        let alerts = queries::list_after(&mut conn, after, BATCH).await?;
        drop(conn);
        let Some(last) = alerts.last() else { break };
        after = Some(last.id);
        watch(&app, &alerts).await?;
    }
    Ok(())
}
