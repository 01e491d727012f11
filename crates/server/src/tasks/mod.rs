//! Background tasks: a name, an interval, an idempotent function of `App`. No input, no retry inside.
//!
//! Owns: nothing; a task works on its slice's tables through its slice's verbs.
//! Does not own: what a task does.
//! Invariant: the timer is the retry; a nudge only makes it come sooner.
//!
//! Beside the usual files: `registry.rs` (every task, in one screen), `driver.rs` (runs them) and `runs.rs` (when each
//! ran last).

mod driver;
mod registry;
mod runs;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

pub use driver::{run, run_once};
pub use registry::TASKS;
pub use runs::{Run, Runs};

use crate::{app::App, error::Result, nudge::Nudge};

/// One background task.
pub struct Task {
    pub name: &'static str,
    /// It runs at least this often.
    pub interval: Duration,
    /// Which nudges make it run at once.
    pub nudged_by: fn(Nudge) -> bool,
    pub work: fn(Arc<App>) -> Work,
}

/// A run of a task.
pub type Work = Pin<Box<dyn Future<Output = Result<()>> + Send>>;
