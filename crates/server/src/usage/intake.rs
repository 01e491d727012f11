//! Counting many reports in one commit: whoever arrives while one commit runs shares the next.
//!
//! A commit waits for the disk; one each would bound us to what the disk can do. Nobody is answered before
//! the commit that holds their reports is done.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::actions::{Outcome, Report, count};
use crate::{
    clock::Clock,
    db::{Db, DbError, DbResult},
    error::{Error, Result},
    record::Origin,
};

/// Requests that may wait; more hold their connections until there is room.
const WAITING_MAX: usize = 4096;
/// Reports in one commit, but for a last request that goes beyond.
const REPORTS_MAX: usize = 2048;
/// Bodies that are counted while they are read, at once.
const BODIES_MAX: usize = 32;

/// Who else is to be told of what was counted.
#[derive(Clone, Copy, Debug)]
pub struct Onward {
    /// Stripe's meters are told so much later.
    pub export_after_seconds: i64,
    /// Whether each report is kept until Lago has it.
    pub is_forwarded: bool,
}

/// The reports of one request.
pub struct Submission {
    pub origin: Origin,
    pub reports: Vec<Report>,
}

/// One submission, and whom to tell what became of it; `None` where it could not be stored.
type Waiting = (Submission, oneshot::Sender<Option<Vec<Outcome>>>);

/// The door of the counter. Clones share one writer.
#[derive(Clone)]
pub struct Intake {
    waiting: mpsc::Sender<Waiting>,
    /// Places for bodies that are counted while they are read.
    bodies: Arc<Semaphore>,
}

impl Intake {
    /// Starts the writer; it ends when the last clone is dropped.
    pub fn start(db: Db, clock: Clock, onward: Onward) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let counter = Counter { db, clock, onward };
        tokio::spawn(write_groups(counter, receiver));
        Self { waiting: sender, bodies: Arc::new(Semaphore::new(BODIES_MAX)) }
    }

    /// Counts the reports, and says of each what became of it, in their order. It returns when that is
    /// durable.
    ///
    /// # Errors
    /// `Unavailable`, where they could not be stored: none of them counts.
    pub async fn submit(&self, submission: Submission) -> Result<Vec<Outcome>> {
        const WHY: Error = Error::Unavailable(
            "the usage could not be stored; send it again with the same keys, which count once",
        );
        let (told, answer) = oneshot::channel();
        self.waiting.send((submission, told)).await.map_err(|_| WHY)?;
        answer.await.ok().flatten().ok_or(WHY)
    }

    /// Takes a place for a body that is counted while it is read; `None` where all are taken.
    pub fn begin_lines(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.bodies).try_acquire_owned().ok()
    }
}

/// What counting needs.
struct Counter {
    db: Db,
    clock: Clock,
    onward: Onward,
}

async fn write_groups(counter: Counter, mut receiver: mpsc::Receiver<Waiting>) {
    while let Some(first) = receiver.recv().await {
        let (mut reports, mut group) = (first.0.reports.len(), vec![first]);
        while reports < REPORTS_MAX
            && let Ok(waiting) = receiver.try_recv()
        {
            reports += waiting.0.reports.len();
            group.push(waiting);
        }
        let (submissions, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match counter.write(&submissions).await {
            Err(DbError::Database(_) | DbError::Encode(_)) if submissions.len() > 1 => {
                write_one_by_one(&counter, &submissions, answers).await;
            }
            outcome => tell(answers, outcome),
        }
    }
}

/// One that the database refuses must not take the others with it.
async fn write_one_by_one(
    counter: &Counter,
    submissions: &[Submission],
    answers: Vec<oneshot::Sender<Option<Vec<Outcome>>>>,
) {
    for (submission, answer) in submissions.iter().zip(answers) {
        let outcome = counter.write(std::slice::from_ref(submission)).await;
        tell(vec![answer], outcome);
    }
}

fn tell(answers: Vec<oneshot::Sender<Option<Vec<Outcome>>>>, outcome: DbResult<Vec<Vec<Outcome>>>) {
    let outcomes = match outcome {
        Ok(outcomes) => outcomes.into_iter().map(Some).collect(),
        Err(error) => {
            tracing::error!(submissions = answers.len(), error.cause = %error, "usage could not be stored");
            vec![None; answers.len()]
        }
    };
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // An error only says that the connection was closed meanwhile.
        let _ = answer.send(outcome);
    }
}

impl Counter {
    async fn write(&self, submissions: &[Submission]) -> DbResult<Vec<Vec<Outcome>>> {
        let mut tx = self.db.begin().await?;
        let outcomes = count(&mut tx, &self.clock, submissions, self.onward).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}
