//! Storing many deliveries in one commit, shared by all that come at the same time.

use super::{
    queries::{self, Received},
    state::State,
};
use crate::{
    db::{Db, Shared, SharedCommit, Tx, portions},
    error::{Error, Result},
    nudge::Nudge,
};

/// Deliveries in one statement.
const ROWS_MAX: usize = 512;

/// The door of the ledger. Clones share one writer.
#[derive(Clone)]
pub struct Intake(SharedCommit<Ledger>);

/// Stores what came in together.
struct Ledger;

impl Shared for Ledger {
    type Job = Received;
    type Outcome = ();

    /// Deliveries in one commit.
    const WEIGHT_MAX: usize = ROWS_MAX;

    fn weight(_: &Received) -> usize {
        1
    }

    fn lane(received: &Received) -> u128 {
        received.id.as_uuid().as_u128()
    }

    async fn work(&self, tx: &mut Tx, batch: &[Received]) -> Result<Vec<()>> {
        for portion in portions(batch, ROWS_MAX) {
            queries::insert(tx, portion).await?;
        }
        if batch.iter().any(|received| received.sorted.state == State::Received) {
            tx.nudge_after_commit(Nudge::Deliveries);
        }
        Ok(vec![(); batch.len()])
    }
}

impl Intake {
    /// Starts the writer; it ends when the last clone is dropped.
    pub fn start(db: &Db) -> Self {
        Self(SharedCommit::start(db, Ledger))
    }

    /// Returns when the delivery is durable; a copy of a known event is as good as stored.
    ///
    /// # Errors
    /// `Unavailable`, where it could not be stored: Stripe sends it again.
    pub async fn store(&self, received: Received) -> Result<()> {
        const WHY: Error = Error::Unavailable("the delivery could not be stored");
        self.0.submit(received).await.ok_or(WHY)
    }
}
