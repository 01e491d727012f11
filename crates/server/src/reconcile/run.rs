//! A run from its claim to its end: stage by stage, page by page, each written down when it is done.

use std::sync::Arc;

use anyhow::anyhow;
use tokio::task::JoinSet;
use tollhouse_domain::{
    id::RunId,
    reconcile::{RunKind, RunState, Stage},
};
use tollhouse_stripe::objects::Customer;

use super::{
    drift::{self, Suspect, Verdict, cause},
    import, lost, pages,
    queries::{self, Run},
    usage::{self, MeterDay},
};
use crate::{
    app::App,
    error::{Error, Result},
    record::{Done, Origin, Subject, record_platform},
};

/// After this long without a sign another instance may go on with a run.
const LEASE_SECONDS: i64 = 60;
/// Objects compared side by side; the calls keep to the budget all the same.
const SIDE_BY_SIDE: usize = 8;
const BACKOFF_SECONDS: i64 = 30;
const BACKOFF_SECONDS_MAX: i64 = 3600;
/// Failures one after another, without one page between: about half a day.
const ATTEMPTS_MAX: i64 = 16;

/// Whoever holds the lease of a run, and the run as it stands.
pub(super) struct Holder {
    pub app: Arc<App>,
    pub run: Run,
}

/// How work came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Whole,
    /// The service stops; somebody goes on later.
    Stopped,
}

/// One thing to be looked at.
pub(super) enum Job {
    Compare(Suspect),
    Customer(Box<Customer>),
    Usage(Box<MeterDay>),
}

/// Works at the run that waits, where one does, until it ends, fails or the service stops.
///
/// A run that fails is put off, never taken as done; this is no error of the caller's.
///
/// # Errors
/// Where the database does not answer.
pub async fn work(app: &Arc<App>) -> Result<Option<RunId>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let claimed = queries::claim(&mut tx, now, now.plus_seconds(LEASE_SECONDS)).await?;
    tx.commit().await?;
    let Some(run) = claimed else { return Ok(None) };
    let stripe = app.stripe.paced(app.config.reconcile.calls_per_second);
    let id = run.id;
    let mut holder = Holder { app: app.with_stripe(stripe), run };
    match holder.work_stages().await {
        Ok(Ended::Whole) => {}
        Ok(Ended::Stopped) => holder.give_back().await?,
        Err(error) => holder.put_off(&error).await?,
    }
    Ok(Some(id))
}

impl Holder {
    async fn work_stages(&mut self) -> Result<Ended> {
        loop {
            let ended = match self.run.stage {
                Stage::Events => lost::look_through(self).await?,
                _ => self.walk_pages().await?,
            };
            if ended == Ended::Stopped {
                return Ok(Ended::Stopped);
            }
            if !self.step_on().await? {
                return Ok(Ended::Whole);
            }
        }
    }

    /// The pages of one stage, from where the run stands.
    async fn walk_pages(&mut self) -> Result<Ended> {
        loop {
            let page = pages::next(&self.app, &self.run).await?;
            if self.look_at(page.jobs).await? == Ended::Stopped {
                return Ok(Ended::Stopped);
            }
            let Some(cursor) = page.next else { return Ok(Ended::Whole) };
            self.run.cursor = Some(cursor);
            self.save().await?;
        }
    }

    /// Begins the next stage; `false` where there is none, and the run is done.
    async fn step_on(&mut self) -> Result<bool> {
        loop {
            let mut conn = self.app.db.read().await?;
            let asked = queries::find(&mut conn, self.run.id).await?.ok_or_else(taken_over)?;
            drop(conn);
            if asked.fence != self.run.fence {
                return Err(taken_over());
            }
            // It may be asked to compare more than when it began.
            self.run.kind = asked.kind;
            let next = self.run.stage.next().filter(|_| self.run.kind != RunKind::Events);
            if let Some(stage) = next {
                self.run.stage = stage;
                self.run.cursor = None;
                self.save().await?;
                return Ok(true);
            }
            self.save().await?;
            if self.finish(RunState::Done).await? {
                return Ok(false);
            }
        }
    }

    /// Looks at each, several side by side. After the first failure nothing more is begun, what runs is
    /// finished, and the page will be looked at again.
    pub async fn look_at(&mut self, jobs: Vec<Job>) -> Result<Ended> {
        let mut waiting = jobs.into_iter();
        let mut running = JoinSet::new();
        let mut tally = Tally::default();
        let mut failed = None;
        loop {
            while running.len() < SIDE_BY_SIDE && failed.is_none() && !self.app.stop.is_cancelled()
            {
                let Some(job) = waiting.next() else { break };
                let (app, run) = (Arc::clone(&self.app), self.run.clone());
                running.spawn(async move { look_at_one(&app, &run, job).await });
            }
            let Some(joined) = running.join_next().await else { break };
            match joined {
                Ok(Ok((verdict, lost))) => tally.count(verdict, lost),
                Ok(Err(error)) => failed = Some(error),
                Err(panic) => {
                    failed = Some(anyhow!("comparing an object panicked: {panic}").into());
                }
            }
            if let Err(error) = self.renew().await {
                failed = Some(error);
            }
        }
        // What was changed will not be found to differ again.
        self.run.changed += tally.changed;
        self.run.tenants_made += tally.tenants_made;
        if let Some(error) = failed {
            return Err(error);
        }
        if waiting.next().is_some() {
            return Ok(Ended::Stopped);
        }
        self.run.looked_at += tally.looked_at;
        self.run.needs_person += tally.needs_person;
        self.run.lost += tally.lost;
        Ok(Ended::Whole)
    }

    /// Has it compare every object too, where it was to look at events only.
    pub async fn widen(&mut self) -> Result<()> {
        if self.run.kind == RunKind::Events {
            self.run.kind = RunKind::Full;
            let mut tx = self.app.db.begin().await?;
            queries::widen(&mut tx, &self.run).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Writes down how far it is: the failures before are made up for, and the lease begins anew.
    pub async fn save(&mut self) -> Result<()> {
        self.run.attempts = 0;
        self.run.error = None;
        self.keep(LEASE_SECONDS).await
    }

    /// Keeps the lease while a page takes long.
    async fn renew(&mut self) -> Result<()> {
        if self.run.leased_until.seconds_since(self.app.clock.now()) < LEASE_SECONDS / 2 {
            return self.keep(LEASE_SECONDS).await;
        }
        Ok(())
    }

    async fn give_back(&mut self) -> Result<()> {
        self.keep(0).await
    }

    async fn keep(&mut self, seconds: i64) -> Result<()> {
        self.run.leased_until = self.app.clock.now().plus_seconds(seconds);
        let mut tx = self.app.db.begin().await?;
        if !queries::save(&mut tx, &self.run).await? {
            return Err(taken_over());
        }
        Ok(tx.commit().await?)
    }

    /// It goes on later from where it is; after many failures without a page it is given up.
    async fn put_off(&mut self, error: &Error) -> Result<()> {
        let why = cause(error);
        self.run.error = Some(why.clone());
        self.run.attempts += 1;
        if self.run.attempts >= ATTEMPTS_MAX {
            tracing::error!(run.id = %self.run.id, error.cause = why, "a comparison with Stripe was given up");
            self.finish(RunState::Failed).await?;
            return Ok(());
        }
        let wait = (BACKOFF_SECONDS << self.run.attempts.min(10)).min(BACKOFF_SECONDS_MAX);
        tracing::warn!(run.id = %self.run.id, error.cause = why, wait_seconds = wait,
            "a comparison with Stripe was interrupted and goes on later");
        self.run.leased_until = self.app.clock.now().plus_seconds(wait);
        let mut tx = self.app.db.begin().await?;
        queries::save(&mut tx, &self.run).await?;
        Ok(tx.commit().await?)
    }

    /// `false` where somebody else works at it, or it is to compare more meanwhile.
    async fn finish(&mut self, state: RunState) -> Result<bool> {
        let now = self.app.clock.now();
        let run = &mut self.run;
        (run.state, run.finished_at) = (state, Some(now));
        let mut tx = self.app.db.begin().await?;
        if !queries::finish(&mut tx, run).await? {
            run.state = RunState::Running;
            return Ok(false);
        }
        let data = serde_json::json!({
            "kind": run.kind,
            "state": run.state,
            "looked_at": run.looked_at,
            "lost": run.lost,
            "changed": run.changed,
            "needs_person": run.needs_person,
            "tenants_made": run.tenants_made,
        });
        let subject = Subject::new("reconcile_run", run.id);
        let done = Done { action: "reconcile.finish", subject: &subject, data: &data, at: now };
        record_platform(&mut tx, &self.app, &Origin::system(), done).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// The verdict, and how many lost webhooks it settles.
async fn look_at_one(app: &App, run: &Run, job: Job) -> Result<(Verdict, i64)> {
    match job {
        Job::Compare(suspect) => Ok((drift::examine(app, &suspect).await?, suspect.lost)),
        Job::Usage(day) => Ok((usage::compare(app, run, &day).await?, 0)),
        Job::Customer(customer) => Ok((import::look_at_customer(app, run, &customer).await?, 0)),
    }
}

fn taken_over() -> Error {
    Error::Unavailable("another instance goes on with the run")
}

#[derive(Default)]
struct Tally {
    looked_at: i64,
    lost: i64,
    changed: i64,
    needs_person: i64,
    tenants_made: i64,
}

impl Tally {
    fn count(&mut self, verdict: Verdict, lost: i64) {
        if verdict == Verdict::NotOurs {
            return;
        }
        self.looked_at += 1;
        self.lost += lost;
        match verdict {
            Verdict::Same | Verdict::NotOurs => {}
            Verdict::Changed => self.changed += 1,
            Verdict::NeedsPerson => self.needs_person += 1,
            Verdict::TenantMade => self.tenants_made += 1,
        }
    }
}
