//! Sending to Lago what was counted, a hundred reports at a time, from where it stopped.

use std::{collections::HashMap, sync::Arc};

use serde_json::json;
use tokio::task::JoinSet;
use tollhouse_domain::id::UsageEventId;

use super::{
    client::{Answer, Lago},
    event::LagoEvent,
};
use crate::{
    app::App,
    error::Result,
    record::{Done, Origin, Subject, record_platform},
    usage::{
        forward::queries::{self, Parcel},
        queries as usage,
    },
};

/// Events that Lago takes at once.
const EVENTS_MAX: usize = 100;
/// Parcels sent side by side.
const SIDE_BY_SIDE: i64 = 4;
/// After this long another instance may send what one has in hand.
const CLAIM_SECONDS: i64 = 900;
const BACKOFF_SECONDS: i64 = 5;
const BACKOFF_SECONDS_MAX: i64 = 3600;

/// Works until nothing is due, Lago does not take it, or the service stops.
pub async fn forward_usage(app: Arc<App>) -> Result<()> {
    let Some(lago) = app.lago.clone() else { return Ok(()) };
    while !app.stop.is_cancelled() {
        let parcels = claim(&app).await?;
        if parcels.is_empty() {
            return Ok(());
        }
        let mut running = JoinSet::new();
        for parcel in parcels {
            running.spawn(send(Arc::clone(&app), lago.clone(), parcel));
        }
        let mut are_taken = true;
        while let Some(outcome) = running.join_next().await {
            let outcome =
                outcome.map_err(|panic| anyhow::anyhow!("sending to Lago panicked: {panic}"))?;
            are_taken &= outcome?;
        }
        // Where it took one not, the others wait for the next run: a Lago that is down is not beaten.
        if !are_taken {
            return Ok(());
        }
    }
    Ok(())
}

async fn claim(app: &App) -> Result<Vec<Parcel>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let until = now.plus_seconds(CLAIM_SECONDS);
    let claimed = queries::claim(&mut tx, now, until, SIDE_BY_SIDE).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Sends what is left of a parcel; `false` where Lago does not take it now.
async fn send(app: Arc<App>, lago: Lago, mut parcel: Parcel) -> Result<bool> {
    for portion in parcel.unsent().chunks(EVENTS_MAX) {
        if app.stop.is_cancelled() {
            put_off(&app, &parcel, 0, "the service was stopped").await?;
            return Ok(false);
        }
        if let Some(why) = send_portion(&app, &lago, portion).await? {
            let seconds = BACKOFF_SECONDS << parcel.attempts.clamp(1, 10);
            tracing::warn!(
                attempts = parcel.attempts,
                error.cause = why,
                "Lago does not take usage and is asked again"
            );
            put_off(&app, &parcel, seconds.min(BACKOFF_SECONDS_MAX), &why).await?;
            return Ok(false);
        }
        parcel.sent += i64::try_from(portion.len()).unwrap_or(0);
        let mut tx = app.db.begin().await?;
        let is_ours = queries::mark_sent(&mut tx, &parcel, parcel.sent).await?;
        tx.commit().await?;
        if !is_ours {
            return Ok(true);
        }
    }
    let mut tx = app.db.begin().await?;
    queries::delete(&mut tx, &parcel).await?;
    tx.commit().await?;
    Ok(true)
}

/// Sends a hundred; why Lago did not take them, where it did not. What it has already, and what it refuses by
/// name, is left out of the next try.
async fn send_portion(app: &App, lago: &Lago, ids: &[UsageEventId]) -> Result<Option<String>> {
    let mut conn = app.db.read().await?;
    let found = usage::list_by_id(&mut conn, ids).await?;
    drop(conn);
    let found: HashMap<UsageEventId, LagoEvent> =
        found.iter().map(|report| (report.id, LagoEvent::of(report))).collect();
    let mut left: Vec<&LagoEvent> = ids.iter().filter_map(|id| found.get(id)).collect();
    while !left.is_empty() {
        match lago.send(&left).await {
            Answer::Taken => return Ok(None),
            Answer::NotNow(why) => return Ok(Some(why)),
            Answer::Objections { known, refused } => {
                for (index, why) in &refused {
                    tell_refused(app, left[*index], why).await?;
                }
                let numbered = left.into_iter().enumerate();
                let is_left =
                    |index: &usize| !known.contains(index) && !refused.contains_key(index);
                left =
                    numbered.filter(|(index, _)| is_left(index)).map(|(_, event)| event).collect();
            }
        }
    }
    Ok(None)
}

async fn tell_refused(app: &App, event: &LagoEvent, why: &str) -> Result<()> {
    tracing::error!(usage_event.id = event.transaction_id, error.cause = why, "Lago refuses usage");
    let subject = Subject::new("usage_event", &event.transaction_id);
    let data =
        json!({ "tenant_id": event.external_subscription_id, "meter": event.code, "reason": why });
    let done =
        Done { action: "usage.lago_refused", subject: &subject, data: &data, at: app.clock.now() };
    let mut tx = app.db.begin().await?;
    record_platform(&mut tx, app, &Origin::system(), done).await?;
    Ok(tx.commit().await?)
}

async fn put_off(app: &App, parcel: &Parcel, seconds: i64, why: &str) -> Result<()> {
    let mut tx = app.db.begin().await?;
    queries::put_off(&mut tx, parcel, app.clock.now().plus_seconds(seconds), why).await?;
    Ok(tx.commit().await?)
}
