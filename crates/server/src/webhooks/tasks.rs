//! Working what was received: claim, sync each object once, settle all that waited for it.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::JoinSet;
use tollhouse_domain::{id::DeliveryId, time::Timestamp};

use super::{
    dispatch::{self, Target},
    queries::{self, Claimed, State},
};
use crate::{
    app::App,
    error::{Error, Result},
    sync::Synced,
};

/// Deliveries claimed at once.
const BATCH: i64 = 200;
/// Customers worked side by side; one customer's deliveries stay in order.
const SIDE_BY_SIDE: usize = 8;
/// A worker that holds a claim longer than this has died.
const CLAIM_SECONDS: i64 = 120;
const BACKOFF_SECONDS: i64 = 5;
const BACKOFF_SECONDS_MAX: i64 = 3600;

/// Works until nothing is due.
pub async fn work_deliveries(app: Arc<App>) -> Result<()> {
    while work_batch(&app).await? > 0 {}
    Ok(())
}

/// Works one batch; says how many deliveries it claimed.
async fn work_batch(app: &Arc<App>) -> Result<usize> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let claimed = queries::claim(&mut tx, now, now.plus_seconds(CLAIM_SECONDS), BATCH).await?;
    tx.commit().await?;
    let count = claimed.len();

    let mut running = JoinSet::new();
    for group in by_customer(claimed) {
        if running.len() >= SIDE_BY_SIDE {
            finished(running.join_next().await)?;
        }
        running.spawn(work_in_order(Arc::clone(app), group));
    }
    while let Some(outcome) = running.join_next().await {
        finished(Some(outcome))?;
    }
    Ok(count)
}

fn finished(outcome: Option<Result<Result<()>, tokio::task::JoinError>>) -> Result<()> {
    match outcome {
        Some(Ok(outcome)) => outcome,
        Some(Err(panic)) => Err(Error::Internal(panic.into())),
        None => Ok(()),
    }
}

/// Deliveries of one customer together, in the order they came; those without a customer by object.
fn by_customer(claimed: Vec<Claimed>) -> Vec<Vec<Claimed>> {
    let mut groups: BTreeMap<Option<String>, Vec<Claimed>> = BTreeMap::new();
    for delivery in claimed {
        let key = delivery.customer_id.clone().or_else(|| delivery.object_id.clone());
        groups.entry(key).or_default().push(delivery);
    }
    groups.into_values().collect()
}

/// Syncs each object once, at its first delivery; the later ones are settled with it.
async fn work_in_order(app: Arc<App>, group: Vec<Claimed>) -> Result<()> {
    let mut objects: Vec<(Target, String, Vec<Claimed>)> = Vec::new();
    let mut without_object = Vec::new();
    for delivery in group {
        let target = dispatch::target(&delivery.event_type).zip(delivery.object_id.clone());
        let Some((target, id)) = target else {
            without_object.push(delivery.id);
            continue;
        };
        match objects.iter_mut().find(|(kind, known, _)| *kind == target && *known == id) {
            Some((_, _, deliveries)) => deliveries.push(delivery),
            None => objects.push((target, id, vec![delivery])),
        }
    }
    for (target, id, deliveries) in objects {
        let outcome = dispatch::sync(&app, target, &id).await;
        settle(&app, &deliveries, outcome).await?;
    }
    if !without_object.is_empty() {
        let mut tx = app.db.begin().await?;
        let reason = Some("the type is none of ours");
        queries::settle(&mut tx, &without_object, State::Ignored, reason, app.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn settle(app: &App, deliveries: &[Claimed], outcome: Result<Synced>) -> Result<()> {
    let now = app.clock.now();
    let ids: Vec<DeliveryId> = deliveries.iter().map(|delivery| delivery.id).collect();
    let attempts = deliveries.iter().map(|delivery| delivery.attempts).max().unwrap_or(1);
    let mut tx = app.db.begin().await?;
    match outcome {
        Ok(Synced::Done) => queries::settle(&mut tx, &ids, State::Done, None, now).await?,
        Ok(Synced::NotOurs(why)) => {
            queries::settle(&mut tx, &ids, State::Ignored, Some(why), now).await?;
        }
        Err(error) => {
            let reason = reason(&error);
            let event_type = deliveries.first().map(|delivery| delivery.event_type.as_str());
            if is_permanent(&error) || attempts >= app.config.webhooks.attempts_max {
                tracing::error!(delivery.type = event_type, attempts, error.cause = reason,
                    "deliveries are given up and wait for a person");
                queries::settle(&mut tx, &ids, State::Dead, Some(&reason), now).await?;
            } else {
                let until = next_attempt(app, now, attempts);
                tracing::warn!(delivery.type = event_type, attempts, error.cause = reason, until = %until,
                    "deliveries could not be worked and will be tried again");
                queries::put_off(&mut tx, &ids, until, &reason).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Trying again cannot help: Stripe refuses the request itself, or answers what we cannot read.
fn is_permanent(error: &Error) -> bool {
    matches!(error, Error::StripeFailed(cause) if !cause.is_transient())
}

/// The cause, for the ledger and the log; it holds no payload.
fn reason(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}

/// Twice as long after each failure, up to an hour, with half of it left to chance.
fn next_attempt(app: &App, now: Timestamp, attempts: i64) -> Timestamp {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or(0);
    let ceiling = (BACKOFF_SECONDS << doublings).min(BACKOFF_SECONDS_MAX);
    let chance = i64::try_from(app.clock.seed() % 1000).unwrap_or(0);
    now.plus_seconds(ceiling / 2 + ceiling * chance / 2000)
}
