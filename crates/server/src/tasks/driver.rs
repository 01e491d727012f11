//! Runs the tasks: by timer, by nudge, one run of each at a time; stops cleanly.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::broadcast::error::RecvError,
    time::{MissedTickBehavior, timeout},
};
use tokio_util::task::TaskTracker;

use super::{Task, registry::TASKS};
use crate::{app::App, error::Result, metrics::seconds};

/// Between two runs of a task: the first nudge is heeded at once, and those of a busy moment together.
const REST: Duration = Duration::from_millis(20);

/// Runs every task until the service stops; returns when the runs under way are done.
pub async fn run(app: Arc<App>) {
    let tracker = TaskTracker::new();
    for task in TASKS {
        // One that never succeeds has to be seen, too.
        app.metrics.task(task.name, task.interval);
        tracker.spawn(repeat(Arc::clone(&app), task));
    }
    tracker.close();
    tracker.wait().await;
}

/// Runs every task once, in the order of the registry. For tests, whose clock stands still.
pub async fn run_once(app: &Arc<App>) -> Result<()> {
    for task in TASKS {
        run_task(app, task).await?;
    }
    Ok(())
}

async fn repeat(app: Arc<App>, task: &'static Task) {
    let mut nudges = app.nudges.listen();
    let mut timer = tokio::time::interval(task.interval);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = timer.tick() => {}
            nudge = nudges.recv() => match nudge {
                Ok(nudge) if (task.nudged_by)(nudge) => {}
                // Some were missed: one of them may have been ours.
                Err(RecvError::Lagged(_)) => {}
                Ok(_) | Err(RecvError::Closed) => continue,
            }
        }
        // Many nudges while the last run worked ask for one run.
        nudges = nudges.resubscribe();
        if let Err(error) = run_task(&app, task).await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(
                task.name = task.name,
                error.cause = cause,
                "a task failed and will run again: {error}"
            );
        }
        // A time-out only means that the rest is over.
        let _ = timeout(REST, app.stop.cancelled()).await;
    }
}

async fn run_task(app: &Arc<App>, task: &Task) -> Result<()> {
    let began_at = app.clock.now();
    let outcome = (task.work)(Arc::clone(app)).await;
    app.runs.note(task.name, began_at, app.clock.now(), outcome.as_ref().err());
    let counted = app.metrics.task(task.name, task.interval);
    match &outcome {
        Ok(()) => {
            counted.ok.increment(1);
            counted.last_success.set(seconds(app.clock.now()));
        }
        Err(_) => counted.failed.increment(1),
    }
    outcome
}
