//! What becomes of usage later: minutes are forgotten.

use crate::{app::App, error::Result, usage::queries};

/// Minutes are kept for so long; limits ask for the present one only.
const MINUTES_KEPT_SECONDS: i64 = 3600;

/// Drops roll-ups of minutes that nobody asks for any more.
pub async fn forget_old_minutes(app: &App) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let before = app.clock.now().plus_seconds(-MINUTES_KEPT_SECONDS);
    queries::forget_minutes(&mut tx, before).await?;
    Ok(tx.commit().await?)
}
