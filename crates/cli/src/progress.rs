//! Long work, seen while it goes on: a bar for people, nothing for programs.

use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::time::interval;
use tollhouse_domain::{id::RunId, reconcile::RunState, reconcile::Stage};
use tollhouse_server::{
    App,
    reconcile::{
        queries::{self, Run},
        run::work,
    },
};

use crate::stop;

const LOOK_EVERY: Duration = Duration::from_millis(200);
const BAR_WIDTH: usize = 24;

/// Works at a run of a comparison until it ends, shows how far it is, and answers it as it ended.
///
/// Where another process holds its lease, only watches. After a failure of Stripe's it waits and goes on.
pub async fn carry_out(app: &Arc<App>, id: RunId, quiet: bool) -> anyhow::Result<Run> {
    stop::on_signal(app.stop.clone())?;
    let bar = Bar { shown: !quiet && io::stderr().is_terminal() };
    let mut timer = interval(LOOK_EVERY);
    let mut worker = None;
    loop {
        timer.tick().await;
        let mut conn = app.db.read().await?;
        let run = queries::find(&mut conn, id).await?.context("the run is gone")?;
        drop(conn);
        bar.draw(&run)?;
        if run.state != RunState::Running {
            bar.end()?;
            return Ok(run);
        }
        match worker.take() {
            Some(handle) => {
                let handle: tokio::task::JoinHandle<_> = handle;
                if handle.is_finished() {
                    handle.await.context("the work panicked")??;
                } else {
                    worker = Some(handle);
                }
            }
            None if app.stop.is_cancelled() => {
                bar.end()?;
                bail!("stopped at {}: the same command goes on from there", run.stage);
            }
            None => {
                let app = Arc::clone(app);
                worker = Some(tokio::spawn(async move { work(&app).await }));
            }
        }
    }
}

/// One line that is written over and over.
struct Bar {
    shown: bool,
}

impl Bar {
    fn draw(&self, run: &Run) -> io::Result<()> {
        if !self.shown {
            return Ok(());
        }
        let mut out = io::stderr().lock();
        write!(out, "\r\x1b[K{}", line(run))?;
        out.flush()
    }

    fn end(&self) -> io::Result<()> {
        if self.shown { writeln!(io::stderr().lock()) } else { Ok(()) }
    }
}

/// Stripe never says how many there are; so the bar counts stages, and the numbers what was done.
fn line(run: &Run) -> String {
    let stages = Stage::ALL.len();
    let done = match run.state {
        RunState::Running => Stage::ALL.iter().position(|stage| *stage == run.stage).unwrap_or(0),
        RunState::Done | RunState::Failed => stages,
    };
    let filled = BAR_WIDTH * done / stages;
    let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR_WIDTH - filled));
    let stage = run.stage.as_str().replace('_', " ");
    let made = match run.tenants_made {
        0 => String::new(),
        made => format!(", {made} tenants made"),
    };
    let wait = match &run.error {
        Some(error) => format!(" (waiting until {}: {error})", run.leased_until),
        None => String::new(),
    };
    format!(
        "[{bar}] {stage}: {} compared, {} changed, {} for a person{made}{wait}",
        run.looked_at, run.changed, run.needs_person
    )
}

#[cfg(test)]
mod tests {
    use tollhouse_domain::{reconcile::RunKind, time::Timestamp};

    use super::*;

    #[test]
    fn the_bar_grows_with_the_stages_and_says_why_it_waits() {
        let mut run = Run {
            id: RunId::from_uuid(tollhouse_server::Clock::real().new_id()),
            kind: RunKind::Full,
            state: RunState::Running,
            stage: Stage::Invoices,
            cursor: None,
            event_cursor: None,
            tenant_key: None,
            looked_at: 12,
            lost: 0,
            changed: 2,
            needs_person: 1,
            tenants_made: 0,
            attempts: 0,
            error: None,
            leased_until: Timestamp::MIN,
            fence: 1,
            started_at: Timestamp::MIN,
            finished_at: None,
        };
        let expected =
            "[########................] invoices: 12 compared, 2 changed, 1 for a person";
        assert_eq!(line(&run), expected);
        (run.error, run.tenants_made) = (Some("Stripe is away".to_owned()), 3);
        let waiting = line(&run);
        assert!(
            waiting.contains("3 tenants made") && waiting.ends_with("Stripe is away)"),
            "{waiting}"
        );
        (run.error, run.state) = (None, RunState::Done);
        assert!(line(&run).starts_with("[########################]"));
    }
}
