//! Working what was received: claim, sync each object once, settle all that waited for it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::task::{JoinError, JoinSet};
use tollhouse_domain::time::Timestamp;

use super::{
    dispatch::{self, Target},
    queries::{self, Claimed, Outcome},
    state::State,
};
use crate::{
    app::App,
    db::Tx,
    error::{Error, Result},
    sync::Synced,
};

/// Deliveries claimed at once.
const BATCH: i64 = 50;
/// Groups worked side by side.
const SIDE_BY_SIDE: usize = 8;
/// While slow groups run, new deliveries are looked for this often.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
const BACKOFF_SECONDS: i64 = 5;
const BACKOFF_SECONDS_MAX: i64 = 3600;

/// Works until nothing is due, or the service stops. One slow object holds up its own group, no other.
pub async fn work_deliveries(app: Arc<App>) -> Result<()> {
    let mut running = JoinSet::new();
    let outcome = work_what_is_due(&app, &mut running).await;
    // Whatever ended it: a group that was begun is finished, not dropped between Stripe and our write.
    while let Some(outcome) = running.join_next().await {
        finished(Some(outcome));
    }
    outcome
}

async fn work_what_is_due(app: &Arc<App>, running: &mut JoinSet<Result<()>>) -> Result<()> {
    while !app.stop.is_cancelled() {
        let groups = if running.len() < SIDE_BY_SIDE { claim(app).await? } else { Vec::new() };
        if groups.is_empty() && running.is_empty() {
            return Ok(());
        }
        for group in groups {
            if running.len() >= SIDE_BY_SIDE {
                finished(running.join_next().await);
            }
            running.spawn(work_in_order(Arc::clone(app), group));
        }
        // A time-out only means: look for new ones.
        if let Ok(outcome) = tokio::time::timeout(LOOK_AGAIN, running.join_next()).await {
            finished(outcome);
        }
    }
    Ok(())
}

/// What one group met is its own affair: its deliveries are claimed again when the claim runs out.
fn finished(outcome: Option<Result<Result<()>, JoinError>>) {
    match outcome {
        Some(Ok(Err(error))) => {
            tracing::error!(
                error.cause = reason(&error),
                "deliveries could not be settled: {error}"
            );
        }
        Some(Err(panic)) => tracing::error!("a delivery made the worker panic: {panic}"),
        Some(Ok(Ok(()))) | None => {}
    }
}

async fn claim(app: &App) -> Result<Vec<Vec<Claimed>>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let until = now.plus_seconds(app.config.webhooks.claim_seconds);
    let claimed = queries::claim(&mut tx, now, until, BATCH).await?;
    tx.commit().await?;
    Ok(by_customer(claimed))
}

/// Deliveries of one customer together, in the order they came. Those that name none join the others about
/// the same object, or are a group of their own.
fn by_customer(claimed: Vec<Claimed>) -> Vec<Vec<Claimed>> {
    let customers: BTreeMap<String, String> = claimed
        .iter()
        .filter_map(|delivery| delivery.object_id.clone().zip(delivery.customer_id.clone()))
        .collect();
    let mut groups: BTreeMap<Option<String>, Vec<Claimed>> = BTreeMap::new();
    for delivery in claimed {
        let object = delivery.object_id.as_ref();
        let customer = delivery.customer_id.as_ref().or_else(|| customers.get(object?));
        let key = customer.or(object).cloned();
        groups.entry(key).or_default().push(delivery);
    }
    groups.into_values().collect()
}

/// Syncs each object once, at its first delivery; the later ones are settled with it.
async fn work_in_order(app: Arc<App>, group: Vec<Claimed>) -> Result<()> {
    let mut objects: Vec<(Target, String, Vec<Claimed>)> = Vec::new();
    for delivery in group {
        if delivery.attempts > app.config.webhooks.attempts_max {
            // It ended no attempt with a word of its own: a panic, or a process that died each time.
            let error = Error::Internal(anyhow::anyhow!("every attempt ended without an outcome"));
            settle(&app, &[delivery], Err(error), 0).await?;
            continue;
        }
        let target = dispatch::target(&delivery.event_type).zip(delivery.object_id.clone());
        let Some((target, id)) = target else {
            let none = Synced::NotOurs("the type is none of ours");
            settle(&app, &[delivery], Ok(none), 0).await?;
            continue;
        };
        match objects.iter_mut().find(|(kind, known, _)| *kind == target && *known == id) {
            Some((_, _, deliveries)) => deliveries.push(delivery),
            None => objects.push((target, id, vec![delivery])),
        }
    }
    for (target, id, deliveries) in objects {
        if app.stop.is_cancelled() {
            hand_back(&app, &deliveries).await?;
            continue;
        }
        let began = app.clock.now();
        let outcome = dispatch::sync(&app, target, &id).await;
        let worked_ms = app.clock.now().as_millisecond() - began.as_millisecond();
        settle(&app, &deliveries, outcome, worked_ms.max(0)).await?;
    }
    Ok(())
}

/// The service stops: whoever starts next goes on at once.
async fn hand_back(app: &App, deliveries: &[Claimed]) -> Result<()> {
    let mut tx = app.db.begin().await?;
    queries::put_off(&mut tx, deliveries, app.clock.now(), "the service was stopped", 0).await?;
    Ok(tx.commit().await?)
}

async fn settle(
    app: &App,
    deliveries: &[Claimed],
    outcome: Result<Synced>,
    worked_ms: i64,
) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    match outcome {
        Ok(synced) => {
            let (state, reason) = match synced {
                Synced::Done => (State::Done, None),
                Synced::Kept(why) => (State::Done, Some(why)),
                Synced::NotOurs(why) => (State::Ignored, Some(why)),
            };
            let outcome = Outcome { state, reason, now, worked_ms };
            queries::settle(&mut tx, deliveries, outcome).await?;
        }
        Err(error) => {
            for delivery in deliveries {
                fail(app, &mut tx, delivery, &error, worked_ms).await?;
            }
        }
    }
    Ok(tx.commit().await?)
}

/// Puts a delivery off, or gives it up, by its own attempts.
async fn fail(
    app: &App,
    tx: &mut Tx,
    delivery: &Claimed,
    error: &Error,
    worked_ms: i64,
) -> Result<()> {
    let now = app.clock.now();
    let reason = reason(error);
    let (id, attempts) = (delivery.id, delivery.attempts);
    let one = std::slice::from_ref(delivery);
    if is_permanent(error) || attempts >= app.config.webhooks.attempts_max {
        tracing::error!(delivery.id = %id, delivery.type = delivery.event_type, attempts,
            error.cause = reason, "a delivery is given up and waits for a person");
        let dead = Outcome { state: State::Dead, reason: Some(&reason), now, worked_ms };
        queries::settle(tx, one, dead).await?;
    } else {
        let until = next_attempt(app, now, attempts);
        tracing::warn!(delivery.id = %id, delivery.type = delivery.event_type, attempts,
            error.cause = reason, until = %until, "a delivery failed and will be tried again");
        queries::put_off(tx, one, until, &reason, worked_ms).await?;
    }
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
