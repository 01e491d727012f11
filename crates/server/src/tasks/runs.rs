//! When each task ran last in this process, and how that ended.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tollhouse_domain::time::Timestamp;

use crate::error::Error;

/// The last run of every task that ran. Clones share them; they are gone with the process.
#[derive(Clone, Default)]
pub struct Runs(Arc<Mutex<BTreeMap<&'static str, Run>>>);

/// One run that is over.
#[derive(Clone, Debug)]
pub struct Run {
    pub ended_at: Timestamp,
    pub took_ms: i64,
    /// Why it failed, where it did; it runs again.
    pub failed: Option<String>,
}

impl Runs {
    pub(super) fn note(
        &self,
        task: &'static str,
        began_at: Timestamp,
        ended_at: Timestamp,
        error: Option<&Error>,
    ) {
        let took_ms = ended_at.as_millisecond() - began_at.as_millisecond();
        let run = Run { ended_at, took_ms, failed: error.map(ToString::to_string) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(task, run);
    }

    /// The last run of a task, where it ran in this process.
    pub fn last(&self, task: &str) -> Option<Run> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(task).cloned()
    }
}
