//! Dropping sessions that time has ended.

use super::queries;
use crate::{app::App, error::Result};

/// Drops what opens nothing any more. That a session began, and until when it was good, stays in the audit.
pub async fn forget_old_sessions(app: &App) -> Result<()> {
    let mut tx = app.db.begin().await?;
    queries::forget(&mut tx, app.clock.now()).await?;
    Ok(tx.commit().await?)
}
