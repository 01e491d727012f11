//! What was not told to Stripe at once.

use std::sync::Arc;

use anyhow::Context;
use tokio::task::JoinSet;

use super::actions::settle;
use crate::{app::App, error::Result, record::Origin, tenants::queries};

/// Tenants looked at in one go.
const BATCH: i64 = 100;
/// Of those, so many at the same time: each waits for Stripe most of its time.
const AT_ONCE: usize = 8;

/// Makes Stripe follow how tenants stand, where it does not yet.
pub async fn settle_tenants(app: Arc<App>) -> Result<()> {
    while !app.stop.is_cancelled() {
        let mut conn = app.db.read().await?;
        let due = queries::list_unsettled(&mut conn, app.clock.now(), BATCH).await?;
        drop(conn);
        if due.is_empty() {
            return Ok(());
        }
        for some in due.chunks(AT_ONCE) {
            let mut running = JoinSet::new();
            for id in some.iter().copied() {
                let app = Arc::clone(&app);
                running.spawn(async move { settle(&app, &Origin::system(), id).await });
            }
            while let Some(outcome) = running.join_next().await {
                outcome.context("settling a tenant")??;
            }
        }
    }
    Ok(())
}
