//! The work of many callers in one commit: whoever arrives while one commit runs shares the next.
//!
//! A commit waits for the disk, and for whoever holds the same row; one each would bound us to what those
//! can do. Nobody is answered before the commit that holds their work is done.
//!
//! Callers who were just answered mostly come again at once. Were they not waited for, two crowds would form, and
//! every commit would carry one of them while the other looks on.

use std::{future::Future, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Db, Tx};
use crate::error::{Error, Result};

/// Jobs that may wait; more hold their connections until there is room.
const WAITING_MAX: usize = 4096;

/// How long those are waited for who were answered by the last commit; a disk takes longer to write.
const COME_AGAIN: Duration = Duration::from_millis(1);

/// What is done in such a commit.
pub trait Shared: Send + Sync + 'static {
    type Job: Send + Sync + 'static;
    type Outcome: Send + 'static;

    /// One commit takes jobs until they weigh this much; the last one may go beyond.
    const WEIGHT_MAX: usize;

    fn weight(job: &Self::Job) -> usize;

    /// Does all jobs in one transaction; an outcome for each, in their order.
    fn work(
        &self,
        tx: &mut Tx,
        jobs: &[Self::Job],
    ) -> impl Future<Output = Result<Vec<Self::Outcome>>> + Send;
}

/// One job, and whom to tell what became of it; `None` where it could not be done.
type Waiting<Work> = (<Work as Shared>::Job, oneshot::Sender<Option<<Work as Shared>::Outcome>>);

/// The door through which jobs come in. Clones share one worker.
pub struct SharedCommit<Work: Shared>(mpsc::Sender<Waiting<Work>>);

impl<Work: Shared> Clone for SharedCommit<Work> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Work: Shared> SharedCommit<Work> {
    /// Starts the worker; it ends when the last clone is dropped.
    pub fn start(db: Db, work: Work) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(run(db, work, receiver));
        Self(sender)
    }

    /// Has a job done, and returns when its outcome is durable; `None` where it could not be done.
    pub async fn submit(&self, job: Work::Job) -> Option<Work::Outcome> {
        let (told, answer) = oneshot::channel();
        self.0.send((job, told)).await.ok()?;
        answer.await.ok().flatten()
    }
}

async fn run<Work: Shared>(db: Db, work: Work, mut receiver: mpsc::Receiver<Waiting<Work>>) {
    let mut answered = 0;
    while let Some(group) = gather::<Work>(&mut receiver, answered).await {
        answered = group.len();
        let (jobs, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match commit(&db, &work, &jobs).await {
            // One that the database refuses must not take the others with it.
            Err(Error::Internal(_)) if jobs.len() > 1 => {
                for (job, answer) in jobs.iter().zip(answers) {
                    tell(vec![answer], commit(&db, &work, std::slice::from_ref(job)).await);
                }
            }
            outcome => tell(answers, outcome),
        }
    }
}

/// The jobs of the next commit: those that wait, and for a moment those of as many callers as were just answered.
/// `None` where nobody can come any more.
async fn gather<Work: Shared>(
    receiver: &mut mpsc::Receiver<Waiting<Work>>,
    answered: usize,
) -> Option<Vec<Waiting<Work>>> {
    let expected = receiver.len() + answered;
    let first = receiver.recv().await?;
    let (mut weight, mut group) = (Work::weight(&first.0), vec![first]);
    let all = async {
        while weight < Work::WEIGHT_MAX && (group.len() < expected || !receiver.is_empty()) {
            let Some(waiting) = receiver.recv().await else { break };
            weight += Work::weight(&waiting.0);
            group.push(waiting);
        }
    };
    // Who does not come in time has the next one.
    let _ = timeout(COME_AGAIN, all).await;
    Some(group)
}

async fn commit<Work: Shared>(
    db: &Db,
    work: &Work,
    jobs: &[Work::Job],
) -> Result<Vec<Work::Outcome>> {
    let mut tx = db.begin().await?;
    let outcomes = work.work(&mut tx, jobs).await?;
    tx.commit().await?;
    Ok(outcomes)
}

fn tell<Outcome>(answers: Vec<oneshot::Sender<Option<Outcome>>>, outcome: Result<Vec<Outcome>>) {
    let outcomes = match outcome {
        Ok(outcomes) => outcomes.into_iter().map(Some).collect(),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(
                jobs = answers.len(),
                error.cause = cause,
                "work was not stored: {error}"
            );
            answers.iter().map(|_| None).collect::<Vec<_>>()
        }
    };
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // An error only says that the connection was closed meanwhile.
        let _ = answer.send(outcome);
    }
}
