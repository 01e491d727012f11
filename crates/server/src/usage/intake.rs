//! Counting many reports in one commit, shared by all who report at the same time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::actions::{Outcome, Report, count};
use crate::{
    clock::Clock,
    config::Config,
    db::{Db, Shared, SharedCommit, Tx},
    error::{Error, Result},
    metrics::Metrics,
    record::Origin,
};

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

impl Onward {
    pub fn of(config: &Config) -> Self {
        Self {
            export_after_seconds: config.export.delay_seconds,
            is_forwarded: config.lago.api_url.is_some(),
        }
    }
}

/// The reports of one request.
pub struct Submission {
    pub origin: Origin,
    pub reports: Vec<Report>,
}

/// The door of the counter. Clones share one writer.
#[derive(Clone)]
pub struct Intake {
    counter: SharedCommit<Counter>,
    metrics: Arc<Metrics>,
    /// Places for bodies that are counted while they are read.
    bodies: Arc<Semaphore>,
}

/// Counts what came in together.
struct Counter {
    clock: Clock,
    onward: Onward,
}

impl Shared for Counter {
    type Job = Submission;
    type Outcome = Vec<Outcome>;

    /// Reports in one commit.
    const WEIGHT_MAX: usize = 2048;

    fn weight(submission: &Submission) -> usize {
        submission.reports.len()
    }

    async fn work(&self, tx: &mut Tx, submissions: &[Submission]) -> Result<Vec<Vec<Outcome>>> {
        Ok(count(tx, &self.clock, submissions, self.onward).await?)
    }
}

impl Intake {
    /// Starts the writer; it ends when the last clone is dropped.
    pub fn start(db: Db, clock: Clock, metrics: Arc<Metrics>, onward: Onward) -> Self {
        let counter = SharedCommit::start(db, Counter { clock, onward });
        Self { counter, metrics, bodies: Arc::new(Semaphore::new(BODIES_MAX)) }
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
        let outcomes = self.counter.submit(submission).await.ok_or(WHY)?;
        let (mut counted, mut duplicate, mut refused) = (0, 0, 0);
        for outcome in &outcomes {
            match outcome {
                Outcome::Counted(_) => counted += 1,
                Outcome::Duplicate(_) => duplicate += 1,
                Outcome::Refused(_) => refused += 1,
            }
        }
        self.metrics.used(counted, duplicate, refused);
        Ok(outcomes)
    }

    /// Takes a place for a body that is counted while it is read; `None` where all are taken.
    pub fn begin_lines(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.bodies).try_acquire_owned().ok()
    }
}
