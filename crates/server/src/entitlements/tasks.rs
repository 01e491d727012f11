//! What becomes of reservations later: those that are over are forgotten.

use super::queries;
use crate::{app::App, error::Result};

/// Whoever settles late, or again, is told what became of it for so long.
const KEPT_DAYS: i64 = 7;

/// Drops reservations whose time is long over. They have held nothing since.
pub async fn forget_old_reservations(app: &App) -> Result<()> {
    let mut tx = app.db.begin().await?;
    queries::forget(&mut tx, app.clock.now().plus_days(-KEPT_DAYS)).await?;
    Ok(tx.commit().await?)
}
