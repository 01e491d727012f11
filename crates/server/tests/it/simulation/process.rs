//! A process that can die: at a call to Stripe, or between two commits.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use axum::http::{HeaderMap, HeaderValue};
use tokio::sync::Notify;
use tollhouse_server::App;
use tollhouse_simulator::{SimGateway, Simulator};
use tollhouse_stripe::{Answer, BoxFuture, Call, Failure, Gateway};

/// The way to Stripe of one process. Once that is dead, no call of it comes back.
pub struct Process {
    stripe: SimGateway,
    /// Calls until it dies; 0 for never.
    calls_left: AtomicU32,
    /// Whether Stripe does the work of the last call.
    worked: AtomicBool,
    commits_left: AtomicU32,
    is_dead: AtomicBool,
    died: Notify,
}

impl Process {
    pub fn new(simulator: &Simulator) -> Arc<Self> {
        Arc::new(Self {
            stripe: simulator.gateway(),
            calls_left: AtomicU32::new(0),
            worked: AtomicBool::new(false),
            commits_left: AtomicU32::new(0),
            is_dead: AtomicBool::new(false),
            died: Notify::new(),
        })
    }

    pub fn dies_at_call(&self, call: u32, worked: bool) {
        self.calls_left.store(call, Ordering::SeqCst);
        self.worked.store(worked, Ordering::SeqCst);
    }

    pub fn dies_at_commit(&self, commit: u32) {
        self.commits_left.store(commit, Ordering::SeqCst);
    }

    /// What the work comes to; nothing where the process dies of it.
    pub async fn live<T>(&self, app: &App, work: impl Future<Output = T>) -> Option<T> {
        let mut nudges = app.nudges.listen();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                () = self.died.notified() => return None,
                done = &mut work => return Some(done),
                // Whoever is nudged is so after a commit.
                _ = nudges.recv() => {
                    if last(&self.commits_left) {
                        self.is_dead.store(true, Ordering::SeqCst);
                        return None;
                    }
                }
            }
        }
    }

    fn die(&self) {
        self.is_dead.store(true, Ordering::SeqCst);
        self.died.notify_one();
    }

    async fn call(&self, call: &Call) -> Result<Answer, Failure> {
        let is_last = last(&self.calls_left);
        if is_last && !self.worked.load(Ordering::SeqCst) {
            self.die();
        }
        if !self.is_dead.load(Ordering::SeqCst) {
            let outcome = self.stripe.send(call).await;
            if !is_last {
                return at_once(outcome);
            }
            self.die();
        }
        std::future::pending().await
    }
}

/// Counts down; true at the one that ends it.
fn last(left: &AtomicU32) -> bool {
    let count = left.load(Ordering::SeqCst);
    left.store(count.saturating_sub(1), Ordering::SeqCst);
    count == 1
}

/// The same outcome, which nobody waits after before they ask again: time is ours.
fn at_once(outcome: Result<Answer, Failure>) -> Result<Answer, Failure> {
    let mut answer = match outcome {
        Ok(answer) => answer,
        // As a proxy in between says it.
        Err(Failure::Unreachable(_)) => {
            Answer { status: 504, headers: HeaderMap::new(), body: b"{}".as_slice().into() }
        }
        Err(failure) => return Err(failure),
    };
    answer.headers.insert("retry-after", HeaderValue::from_static("0"));
    Ok(answer)
}

impl Gateway for Process {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(self.call(call))
    }
}
