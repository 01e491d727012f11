//! Storing many deliveries in one commit, shared by all that come at the same time.

use std::{collections::HashSet, sync::Arc};

use super::{
    dispatch,
    queries::{self, Received},
    state::State,
};
use crate::{
    db::{Db, Shared, SharedCommit, Tx, portions},
    error::{Error, Result},
    metrics::Metrics,
    nudge::Nudge,
};

/// Deliveries in one statement.
const ROWS_MAX: usize = 512;

/// The door of the ledger. Clones share one writer.
#[derive(Clone)]
pub struct Intake {
    ledger: SharedCommit<Ledger>,
    metrics: Arc<Metrics>,
}

/// Stores what came in together.
struct Ledger;

impl Shared for Ledger {
    type Job = Received;
    /// Whether it was not known.
    type Outcome = bool;

    /// Deliveries in one commit.
    const WEIGHT_MAX: usize = ROWS_MAX;

    fn weight(_: &Received) -> usize {
        1
    }

    async fn work(&self, tx: &mut Tx, batch: &[Received]) -> Result<Vec<bool>> {
        let mut stored = HashSet::with_capacity(batch.len());
        for portion in portions(batch, ROWS_MAX) {
            stored.extend(queries::insert(tx, portion).await?);
        }
        if batch.iter().any(|received| received.sorted.state == State::Received) {
            tx.nudge_after_commit(Nudge::Deliveries);
        }
        Ok(batch.iter().map(|received| stored.contains(&received.id)).collect())
    }
}

impl Intake {
    /// Starts the writer; it ends when the last clone is dropped.
    pub fn start(db: Db, metrics: Arc<Metrics>) -> Self {
        Self { ledger: SharedCommit::start(db, Ledger), metrics }
    }

    /// Returns when the delivery is durable; a copy of a known event is as good as stored.
    ///
    /// # Errors
    /// `Unavailable`, where it could not be stored: Stripe sends it again.
    pub async fn store(&self, received: Received) -> Result<()> {
        const WHY: Error = Error::Unavailable("the delivery could not be stored");
        let event_type = dispatch::counted_as(&received.sorted.event_type);
        let state = received.sorted.state;
        let is_new = self.ledger.submit(received).await.ok_or(WHY)?;
        if !is_new {
            self.metrics.deliveries.repeated.increment(1);
            return Ok(());
        }
        self.metrics.received(event_type);
        if state != State::Received {
            self.metrics.settled(event_type, state.as_str());
            self.metrics.deliveries.duration.record(0);
        }
        Ok(())
    }
}
