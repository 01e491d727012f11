//! Giving events their places in the order of all tenants.

use super::queries;
use crate::{app::App, error::Result, nudge::Nudge};

/// Events placed in one transaction.
const BATCH: i64 = 500;

/// Places every event that was committed. On several instances at once they take turns.
pub async fn place_events(app: &App) -> Result<()> {
    loop {
        let mut conn = app.db.read().await?;
        let any = queries::any_unplaced(&mut conn).await?;
        drop(conn);
        if !any || app.stop.is_cancelled() {
            return Ok(());
        }
        let mut tx = app.db.begin().await?;
        queries::place(&mut tx, BATCH).await?;
        tx.nudge_after_commit(Nudge::EventsPlaced);
        tx.commit().await?;
    }
}
