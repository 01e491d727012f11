//! Telling Stripe what was counted: billable hours are cut into meter events, and these are sent.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::JoinSet;
use tollhouse_domain::id::TenantId;

use super::{
    actions::{cut, send},
    queries::{self, MeterEvent},
};
use crate::{app::App, error::Result};

/// Hours that are cut, and meter events that are claimed, in one go. No more is cut than is sent: what comes
/// meanwhile for the same hour goes with it.
const BATCH: i64 = 100;
/// Tenants' meters that are told side by side; one meter of one tenant is told one thing after the other.
const SIDE_BY_SIDE: usize = 8;
/// After this long another instance may send what one has in hand.
const CLAIM_SECONDS: i64 = 300;

/// Works until nothing is due, or the service stops. Without Stripe everything waits.
pub async fn export_usage(app: Arc<App>) -> Result<()> {
    if app.config.stripe.secret_key.is_none() {
        return Ok(());
    }
    let app = app.with_stripe(app.stripe.paced(app.config.export.calls_per_second));
    while !app.stop.is_cancelled() {
        let cut = cut(&app, BATCH).await?;
        let claimed = claim(&app).await?;
        if cut == 0 && claimed.is_empty() {
            return Ok(());
        }
        send_all(&app, claimed).await;
    }
    Ok(())
}

async fn claim(app: &App) -> Result<Vec<MeterEvent>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let until = now.plus_seconds(CLAIM_SECONDS);
    let claimed = queries::claim(&mut tx, now, until, BATCH).await?;
    tx.commit().await?;
    Ok(claimed)
}

async fn send_all(app: &Arc<App>, claimed: Vec<MeterEvent>) {
    let mut groups: BTreeMap<(TenantId, String), Vec<MeterEvent>> = BTreeMap::new();
    for event in claimed {
        groups.entry((event.tenant_id, event.meter.clone())).or_default().push(event);
    }
    let mut running = JoinSet::new();
    for (_, mut group) in groups {
        group.sort_by_key(|event| event.id);
        if running.len() >= SIDE_BY_SIDE {
            finished(running.join_next().await);
        }
        running.spawn(send_in_order(Arc::clone(app), group));
    }
    while let Some(outcome) = running.join_next().await {
        finished(Some(outcome));
    }
}

async fn send_in_order(app: Arc<App>, group: Vec<MeterEvent>) -> Result<()> {
    for event in group {
        send(&app, &event).await?;
    }
    Ok(())
}

/// What one meter met is its own affair: its meter events are claimed again when the claim runs out.
fn finished(outcome: Option<Result<Result<()>, tokio::task::JoinError>>) {
    match outcome {
        Some(Ok(Err(error))) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(error.cause = cause, "usage could not be told to Stripe: {error}");
        }
        Some(Err(panic)) => tracing::error!("telling Stripe of usage panicked: {panic}"),
        Some(Ok(Ok(()))) | None => {}
    }
}
