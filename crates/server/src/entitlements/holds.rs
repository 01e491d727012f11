//! Where wishes to hold something wait to be decided together.

use std::sync::Arc;

use super::{
    actions::{Wish, reserve},
    queries::Reservation,
};
use crate::{
    clock::Clock,
    db::{Db, Shared, SharedCommit, Tx},
    error::{Error, Result},
    metrics::Metrics,
};

/// The door of the reservations. Clones share one worker.
#[derive(Clone)]
pub struct Holds {
    decider: SharedCommit<Decider>,
    metrics: Arc<Metrics>,
}

struct Decider {
    clock: Clock,
    grace_days: u32,
}

impl Shared for Decider {
    type Job = Wish;
    type Outcome = Result<Reservation>;

    /// Wishes in one commit.
    const WEIGHT_MAX: usize = 1024;

    fn weight(_: &Wish) -> usize {
        1
    }

    async fn work(&self, tx: &mut Tx, wishes: &[Wish]) -> Result<Vec<Result<Reservation>>> {
        reserve(tx, &self.clock, self.grace_days, wishes).await
    }
}

impl Holds {
    /// Starts the worker; it ends when the last clone is dropped.
    pub fn start(db: Db, clock: Clock, metrics: Arc<Metrics>, grace_days: u32) -> Self {
        Self { decider: SharedCommit::start(db, Decider { clock, grace_days }), metrics }
    }

    /// Holds what is wished for, and returns when that is durable.
    ///
    /// # Errors
    /// Why it is not granted; `Unavailable`, where it could not be stored: nothing is held.
    pub async fn reserve(&self, wish: Wish) -> Result<Reservation> {
        const WHY: Error = Error::Unavailable("the reservation could not be stored; ask again");
        let outcome = self.decider.submit(wish).await.ok_or(WHY)?;
        self.metrics.reserved(&outcome);
        outcome
    }
}
