//! A run from its claim to its end.
//!
//! It keeps no place: what went is gone, so that whoever goes on after a crash begins at the front and soon is
//! where it stopped.

use std::{collections::BTreeMap, sync::Arc};

use tollhouse_domain::id::RetentionRunId;

use super::{
    queries::{self, Run, State},
    walk,
};
use crate::{
    app::App,
    db::{Json, Tx},
    error::{Error, Result},
    record::{Done, Origin, Subject, record_platform},
};

/// After this long without a sign another instance may go on with a run.
const LEASE_SECONDS: i64 = 60;

/// Whoever holds the lease of a run, and what it has removed.
pub(super) struct Holder {
    pub app: Arc<App>,
    pub run: Run,
    removed: BTreeMap<String, u64>,
}

/// How work came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Whole,
    /// The service stops; somebody goes on later.
    Stopped,
}

/// Works at the run that waits, where one does, until it ends or the service stops. One that fails is tried
/// again when its lease is over.
///
/// # Errors
/// What made it fail.
pub async fn work(app: &Arc<App>) -> Result<Option<RetentionRunId>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let claimed = queries::claim(&mut tx, now, now.plus_seconds(LEASE_SECONDS)).await?;
    tx.commit().await?;
    let Some(run) = claimed else { return Ok(None) };
    let id = run.id;
    // A dry run that was interrupted counts anew.
    let removed = if run.dry_run { BTreeMap::new() } else { run.removed.to()? };
    let mut holder = Holder { app: Arc::clone(app), run, removed };
    match walk::everything(&mut holder).await {
        Ok(Ended::Whole) => holder.finish().await?,
        Ok(Ended::Stopped) => holder.keep(0).await?,
        Err(error) => {
            holder.run.error = Some(error.to_string());
            holder.keep(LEASE_SECONDS).await?;
            return Err(error);
        }
    }
    Ok(Some(id))
}

impl Holder {
    /// Commits what a batch has removed from a table, and its count with it.
    ///
    /// # Errors
    /// Where another instance goes on with the run: then nothing was removed.
    pub async fn commit(&mut self, mut tx: Tx, table: &str, rows: u64) -> Result<()> {
        self.count(table, rows);
        self.write(&mut tx, LEASE_SECONDS).await?;
        Ok(tx.commit().await?)
    }

    /// Counts what would go, in a dry run.
    pub fn count(&mut self, table: &str, rows: u64) {
        if rows > 0 {
            *self.removed.entry(table.to_owned()).or_default() += rows;
        }
    }

    /// Keeps the lease while there is much to look at and little to remove.
    pub async fn renew(&mut self) -> Result<()> {
        if self.run.leased_until.seconds_since(self.app.clock.now()) < LEASE_SECONDS / 2 {
            return self.keep(LEASE_SECONDS).await;
        }
        Ok(())
    }

    pub fn is_to_stop(&self) -> bool {
        self.app.stop.is_cancelled()
    }

    async fn keep(&mut self, seconds: i64) -> Result<()> {
        let mut tx = self.app.db.begin().await?;
        self.write(&mut tx, seconds).await?;
        Ok(tx.commit().await?)
    }

    async fn write(&mut self, tx: &mut Tx, seconds: i64) -> Result<()> {
        self.run.removed = Json::of(&self.removed)?;
        self.run.leased_until = self.app.clock.now().plus_seconds(seconds);
        if queries::save(tx, &self.run).await? {
            return Ok(());
        }
        Err(Error::Unavailable("another instance goes on with the retention run"))
    }

    async fn finish(&mut self) -> Result<()> {
        let now = self.app.clock.now();
        self.run.state = State::Done;
        self.run.error = None;
        self.run.finished_at = Some(now);
        let mut tx = self.app.db.begin().await?;
        self.write(&mut tx, 0).await?;
        if !self.run.dry_run {
            let subject = Subject::new("retention_run", self.run.id);
            let data = serde_json::json!({ "removed": self.removed });
            let done = Done { action: "retention.run", subject: &subject, data: &data, at: now };
            record_platform(&mut tx, &self.app, &Origin::system(), done).await?;
        }
        Ok(tx.commit().await?)
    }
}
