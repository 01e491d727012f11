//! Summing up what was taken note of.

use crate::{app::App, error::Result, revenue::days};

/// Counts the facts that no day has yet. Once each, whichever instance does it.
pub async fn count_revenue(app: &App) -> Result<()> {
    while !app.stop.is_cancelled() {
        if days::count_some(&app.db).await? == 0 {
            return Ok(());
        }
    }
    Ok(())
}
