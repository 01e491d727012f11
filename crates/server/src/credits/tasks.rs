//! What becomes of credits by time: periods end, credits expire.

use std::sync::Arc;

use super::{actions::take_reading, queries};
use crate::{app::App, error::Result};

/// Tenants looked at in one go.
const BATCH: i64 = 100;

/// Takes every reading that is due, and the first one of tenants that have none.
pub async fn read_credits(app: Arc<App>) -> Result<()> {
    open_accounts(&app).await?;
    while !app.stop.is_cancelled() {
        let mut conn = app.db.read().await?;
        let due = queries::list_due(&mut conn, app.clock.now(), BATCH).await?;
        drop(conn);
        if due.is_empty() {
            break;
        }
        for tenant in due {
            take_reading(&app, tenant).await?;
        }
    }
    Ok(())
}

async fn open_accounts(app: &App) -> Result<()> {
    while !app.stop.is_cancelled() {
        let mut conn = app.db.read().await?;
        let without = queries::list_without_account(&mut conn, BATCH).await?;
        drop(conn);
        if without.is_empty() {
            break;
        }
        let mut tx = app.db.begin().await?;
        for tenant in without {
            queries::mark_due(&mut tx, tenant, app.clock.now()).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
