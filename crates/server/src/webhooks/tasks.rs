//! Working what was received: claim, sync each object once, settle all that waited for it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::timeout,
};

use super::{
    dispatch::{self, Target},
    fetches::Fetches,
    queries::{self, Claimed},
    settle::{Ended, reason, settle},
};
use crate::{
    app::App,
    error::{Error, Result},
    sync::Synced,
};

/// Deliveries claimed at once.
const BATCH: u16 = 500;
/// Groups worked side by side.
const SIDE_BY_SIDE: usize = 8;
/// Objects that have ended and wait to be settled; more wait before they end.
const WAITING_MAX: usize = 512;
/// While slow groups run, new deliveries are looked for this often.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Works until nothing is due, or the service stops. One slow object holds up its own group, no other.
pub async fn work_deliveries(app: Arc<App>) -> Result<()> {
    let (ends, ended) = mpsc::channel(WAITING_MAX);
    let settling = tokio::spawn(settle_what_ends(Arc::clone(&app), ended));
    let mut work = Work { app, running: JoinSet::new(), ends };
    let outcome = work.what_is_due().await;
    // Whatever ended it: a group that was begun is finished, not dropped between Stripe and our write.
    while !work.running.is_empty() {
        finished(work.running.join_next().await);
    }
    drop(work);
    if let Err(panic) = settling.await {
        tracing::error!("settling deliveries panicked: {panic}");
    }
    outcome
}

/// Groups under way, and where they say what they came to.
struct Work {
    app: Arc<App>,
    running: JoinSet<Result<()>>,
    ends: mpsc::Sender<Ended>,
}

impl Work {
    async fn what_is_due(&mut self) -> Result<()> {
        while !self.app.stop.is_cancelled() {
            let has_room = self.running.len() < SIDE_BY_SIDE;
            let claimed = if has_room { claim(&self.app).await? } else { Vec::new() };
            let is_all = has_room && claimed.len() < usize::from(BATCH);
            let fetches = Arc::new(Fetches::take(&self.app, &claimed).await);
            for group in by_customer(claimed) {
                if self.running.len() >= SIDE_BY_SIDE {
                    finished(self.running.join_next().await);
                }
                let (app, fetches) = (Arc::clone(&self.app), Arc::clone(&fetches));
                self.running.spawn(work_in_order(app, fetches, group, self.ends.clone()));
            }
            if self.has_ended(is_all).await && is_all {
                // What came meanwhile has its own nudge, and is better worked together with what comes next.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits until one group has ended, or all of them; not for ever, as new deliveries do not wait for slow ones.
    async fn has_ended(&mut self, all: bool) -> bool {
        let ended = async {
            while let Some(outcome) = self.running.join_next().await {
                finished(Some(outcome));
                if !all {
                    break;
                }
            }
        };
        timeout(LOOK_AGAIN, ended).await.is_ok()
    }
}

/// Together, whatever ended while the last ones were settled. Where that fails, they are claimed again when the
/// claim runs out.
async fn settle_what_ends(app: Arc<App>, mut ended: mpsc::Receiver<Ended>) {
    let mut together = Vec::new();
    while ended.recv_many(&mut together, WAITING_MAX).await > 0 {
        if let Err(error) = settle(&app, std::mem::take(&mut together)).await {
            unsettled(&error);
        }
    }
}

/// What one group met is its own affair: its deliveries are claimed again when the claim runs out.
fn finished(outcome: Option<Result<Result<()>, JoinError>>) {
    match outcome {
        Some(Ok(Err(error))) => unsettled(&error),
        Some(Err(panic)) => tracing::error!("a delivery made the worker panic: {panic}"),
        Some(Ok(Ok(()))) | None => {}
    }
}

fn unsettled(error: &Error) {
    tracing::error!(error.cause = reason(error), "deliveries could not be settled: {error}");
}

async fn claim(app: &App) -> Result<Vec<Claimed>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let until = now.plus_seconds(app.config.webhooks.claim_seconds);
    let claimed = queries::claim(&mut tx, now, until, i64::from(BATCH)).await?;
    tx.commit().await?;
    Ok(claimed)
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

/// Syncs each object once, at its first delivery; the later ones end with it.
async fn work_in_order(
    app: Arc<App>,
    fetches: Arc<Fetches>,
    group: Vec<Claimed>,
    ends: mpsc::Sender<Ended>,
) -> Result<()> {
    let end = async |deliveries, outcome, worked_ms| {
        // Whoever receives lives as long as the work.
        let _ = ends.send(Ended { deliveries, outcome, worked_ms }).await;
    };
    let mut objects: Vec<(Target, String, Vec<Claimed>)> = Vec::new();
    for delivery in group {
        if delivery.attempts > app.config.webhooks.attempts_max {
            // It ended no attempt with a word of its own: a panic, or a process that died each time.
            let error = Error::Internal(anyhow::anyhow!("every attempt ended without an outcome"));
            end(vec![delivery], Err(error), 0).await;
            continue;
        }
        let target = dispatch::target(&delivery.event_type).zip(delivery.object_id.clone());
        let Some((target, id)) = target else {
            end(vec![delivery], Ok(Synced::NotOurs("the type is none of ours")), 0).await;
            continue;
        };
        match objects.iter_mut().find(|(kind, known, _)| *kind == target && *known == id) {
            Some((_, _, deliveries)) => deliveries.push(delivery),
            None => objects.push((target, id, vec![delivery])),
        }
    }
    for (target, id, deliveries) in objects {
        if let Some(why) = why_not_now(&app, &deliveries) {
            hand_back(&app, &deliveries, why).await?;
            continue;
        }
        let began = app.clock.now();
        let outcome = fetches.sync(&app, target, &id).await;
        let worked_ms = (app.clock.now().as_millisecond() - began.as_millisecond()).max(0);
        let others = u64::try_from(deliveries.len()).unwrap_or(0).saturating_sub(1);
        app.metrics.deliveries.coalesced.increment(others);
        end(deliveries, outcome, worked_ms).await;
    }
    Ok(())
}

/// What was claimed and cannot be worked in time: whoever claims it next goes on at once.
fn why_not_now(app: &App, deliveries: &[Claimed]) -> Option<&'static str> {
    if app.stop.is_cancelled() {
        return Some("the service was stopped");
    }
    let half = app.config.webhooks.claim_seconds / 2;
    let is_late = |claimed: &Claimed| app.clock.now() > claimed.due_at.plus_seconds(-half);
    deliveries.first().filter(|claimed| is_late(claimed)).map(|_| "others took too long")
}

async fn hand_back(app: &App, deliveries: &[Claimed], why: &str) -> Result<()> {
    let mut tx = app.db.begin().await?;
    queries::hand_back(&mut tx, deliveries, app.clock.now(), why).await?;
    Ok(tx.commit().await?)
}
