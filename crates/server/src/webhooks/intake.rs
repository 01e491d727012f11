//! Storing many deliveries in one commit: whoever arrives while one commit runs shares the next.
//!
//! A commit waits for the disk; one each would bound us to what the disk can do. Nobody is answered
//! before the commit that holds their delivery is done.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::{mpsc, oneshot};
use tollhouse_domain::id::DeliveryId;

use super::{
    dispatch,
    queries::{self, Received},
    state::State,
};
use crate::{
    db::{Db, DbError, DbResult, portions},
    error::{Error, Result},
    metrics::Metrics,
    nudge::Nudge,
};

/// Deliveries that may wait; more hold their connections until there is room.
const WAITING_MAX: usize = 4096;
/// Deliveries in one commit.
const BATCH_MAX: usize = 512;

/// One delivery, and whom to tell that it is stored.
type Waiting = (Received, oneshot::Sender<bool>);

/// The door of the ledger. Clones share one writer.
#[derive(Clone)]
pub struct Intake(mpsc::Sender<Waiting>);

impl Intake {
    /// Starts the writer; it ends when the last clone is dropped.
    pub fn start(db: Db, metrics: Arc<Metrics>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write_batches(db, metrics, receiver));
        Self(sender)
    }

    /// Returns when the delivery is durable; a copy of a known event is as good as stored.
    ///
    /// # Errors
    /// `Unavailable`, where it could not be stored: Stripe sends it again.
    pub async fn store(&self, received: Received) -> Result<()> {
        const WHY: Error = Error::Unavailable("the delivery could not be stored");
        let (stored, answer) = oneshot::channel();
        self.0.send((received, stored)).await.map_err(|_| WHY)?;
        if answer.await.unwrap_or(false) { Ok(()) } else { Err(WHY) }
    }
}

async fn write_batches(db: Db, metrics: Arc<Metrics>, mut receiver: mpsc::Receiver<Waiting>) {
    let mut waiting = Vec::with_capacity(BATCH_MAX);
    while receiver.recv_many(&mut waiting, BATCH_MAX).await > 0 {
        let (batch, answers): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        match write_batch(&db, &metrics, &batch).await {
            Err(DbError::Database(_) | DbError::Encode(_)) if batch.len() > 1 => {
                write_one_by_one(&db, &metrics, batch, answers).await;
            }
            outcome => {
                if let Err(error) = &outcome {
                    tracing::error!(deliveries = batch.len(), error.cause = %error, "deliveries could not be stored");
                }
                tell(answers, outcome.is_ok());
            }
        }
    }
}

/// One that the database refuses must not take the others with it.
async fn write_one_by_one(
    db: &Db,
    metrics: &Metrics,
    batch: Vec<Received>,
    answers: Vec<oneshot::Sender<bool>>,
) {
    for (received, answer) in batch.iter().zip(answers) {
        let outcome = write_batch(db, metrics, std::slice::from_ref(received)).await;
        if let Err(error) = &outcome {
            tracing::error!(delivery.id = %received.id, error.cause = %error, "a delivery could not be stored");
        }
        tell([answer], outcome.is_ok());
    }
}

fn tell(answers: impl IntoIterator<Item = oneshot::Sender<bool>>, stored: bool) {
    for answer in answers {
        // An error only says that the connection was closed meanwhile.
        let _ = answer.send(stored);
    }
}

async fn write_batch(db: &Db, metrics: &Metrics, batch: &[Received]) -> DbResult<()> {
    let mut tx = db.begin().await?;
    let mut stored = HashSet::with_capacity(batch.len());
    for portion in portions(batch, BATCH_MAX) {
        stored.extend(queries::insert(&mut tx, portion).await?);
    }
    if batch.iter().any(|received| received.sorted.state == State::Received) {
        tx.nudge_after_commit(Nudge::Deliveries);
    }
    tx.commit().await?;
    count(metrics, batch, &stored);
    Ok(())
}

fn count(metrics: &Metrics, batch: &[Received], stored: &HashSet<DeliveryId>) {
    for Received { id, sorted, .. } in batch {
        if !stored.contains(id) {
            metrics.deliveries.repeated.increment(1);
            continue;
        }
        let event_type = dispatch::counted_as(&sorted.event_type);
        metrics.received(event_type);
        if sorted.state != State::Received {
            metrics.settled(event_type, sorted.state.as_str());
            metrics.deliveries.duration.record(0);
        }
    }
}
