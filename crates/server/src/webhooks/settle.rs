//! How worked deliveries end: all that ended by the same time in one transaction, alike ones in one statement.

use std::{collections::BTreeMap, time::Duration};

use tollhouse_domain::time::Timestamp;

use super::{
    dispatch,
    queries::{self, Claimed, Outcome},
    state::State,
};
use crate::{
    app::App,
    db::Tx,
    error::{Error, Result},
    sync::Synced,
};

const BACKOFF_SECONDS: i64 = 5;
const BACKOFF_SECONDS_MAX: i64 = 3600;

/// Deliveries about one object, and what their work has come to.
pub struct Ended {
    pub deliveries: Vec<Claimed>,
    pub outcome: Result<Synced>,
    pub worked_ms: i64,
}

/// Writes down how these ended. Those of a claim that ran out stay.
pub async fn settle(app: &App, ended: Vec<Ended>) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let now = app.clock.now();
    let mut alike: BTreeMap<(State, Option<&'static str>, i64, Timestamp), Vec<Claimed>> =
        BTreeMap::new();
    let mut failed = Vec::new();
    let mut counted = Vec::new();
    for Ended { deliveries, outcome, worked_ms } in ended {
        let (state, reason) = match outcome {
            Ok(Synced::Done) => (State::Done, None),
            Ok(Synced::Kept(why)) => (State::Done, Some(why)),
            Ok(Synced::NotOurs(why)) => (State::Ignored, Some(why)),
            Err(error) => {
                failed.push((deliveries, error, worked_ms));
                continue;
            }
        };
        for delivery in deliveries {
            counted.push(Counted::of(&delivery, state));
            let key = (state, reason, worked_ms, delivery.due_at);
            alike.entry(key).or_default().push(delivery);
        }
    }
    let mut tx = app.db.begin().await?;
    for ((state, reason, worked_ms, _), deliveries) in &alike {
        let outcome = Outcome { state: *state, reason: *reason, now, worked_ms: *worked_ms };
        queries::settle(&mut tx, deliveries, outcome).await?;
    }
    for (deliveries, error, worked_ms) in &failed {
        for delivery in deliveries {
            let state = fail(app, &mut tx, delivery, error, *worked_ms).await?;
            counted.push(Counted::of(delivery, state));
        }
    }
    tx.commit().await?;
    for counted in &counted {
        counted.count(app, now);
    }
    Ok(())
}

/// How a delivery ended, to be counted once that is durable.
struct Counted {
    event_type: &'static str,
    state: State,
    received_at: Timestamp,
}

impl Counted {
    fn of(delivery: &Claimed, state: State) -> Self {
        let event_type = dispatch::counted_as(&delivery.event_type);
        Self { event_type, state, received_at: delivery.received_at }
    }

    fn count(&self, app: &App, now: Timestamp) {
        app.metrics.settled(self.event_type, self.state.as_str());
        if self.state != State::Failed {
            let waited = now.as_millisecond() - self.received_at.as_millisecond();
            let waited = Duration::from_millis(u64::try_from(waited).unwrap_or(0));
            app.metrics.deliveries.duration.record(waited);
        }
    }
}

/// Puts a delivery off, or gives it up, by its own attempts; where it stands then.
async fn fail(
    app: &App,
    tx: &mut Tx,
    delivery: &Claimed,
    error: &Error,
    worked_ms: i64,
) -> Result<State> {
    let now = app.clock.now();
    let reason = reason(error);
    let (id, attempts) = (delivery.id, delivery.attempts);
    let one = std::slice::from_ref(delivery);
    if is_permanent(error) || attempts >= app.config.webhooks.attempts_max {
        tracing::error!(delivery.id = %id, delivery.type = delivery.event_type, attempts,
            error.cause = reason, "a delivery is given up and waits for a person");
        let dead = Outcome { state: State::Dead, reason: Some(&reason), now, worked_ms };
        queries::settle(tx, one, dead).await?;
        Ok(State::Dead)
    } else {
        let until = next_attempt(app, now, attempts);
        tracing::warn!(delivery.id = %id, delivery.type = delivery.event_type, attempts,
            error.cause = reason, until = %until, "a delivery failed and will be tried again");
        queries::put_off(tx, one, until, &reason, worked_ms).await?;
        Ok(State::Failed)
    }
}

/// Trying again cannot help: Stripe refuses the request itself, or answers what we cannot read.
fn is_permanent(error: &Error) -> bool {
    matches!(error, Error::StripeFailed(cause) if !cause.is_transient())
}

/// The cause, for the ledger and the log; it holds no payload.
pub fn reason(error: &Error) -> String {
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
