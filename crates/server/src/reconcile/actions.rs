//! Asking for a comparison with Stripe, and settling by hand what it could not.

use tollhouse_domain::{
    id::{DriftId, RunId},
    reconcile::{DriftState, RunKind, RunState, Stage},
};

use super::{
    drift::{
        self,
        queries::{self as drifts, Drift},
    },
    queries::{self, Run},
};
use crate::{
    app::App,
    error::{Conflict, Error, Result, not_found},
    nudge::Nudge,
    record::{Done, Origin, Subject, record_platform},
};

/// Begins a run, or has the one under way compare as much as is asked for. A task works at it.
///
/// `tenant_key` is the metadata key under which customers bear the id of their tenant; of imports.
///
/// # Errors
/// `NotConfigured` without Stripe; `Conflict` for an import while something else is compared.
pub async fn request(
    app: &App,
    origin: &Origin,
    kind: RunKind,
    tenant_key: Option<String>,
) -> Result<Run> {
    if app.config.stripe.secret_key.is_none() {
        return Err(Error::NotConfigured);
    }
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(running) = queries::find_running(&mut tx).await? {
        if kind <= running.kind {
            return Ok(running);
        }
        if kind == RunKind::Import {
            let sentence = "A comparison with Stripe is under way: import when it is done.";
            return Err(Error::Conflict(Conflict::ReconcileRunning, sentence.to_owned()));
        }
        let widened = Run { kind, ..running };
        queries::widen(&mut tx, &widened).await?;
        tx.commit().await?;
        return Ok(widened);
    }
    let newest = queries::find_newest(&mut tx).await?;
    let run = Run {
        id: RunId::from_uuid(app.clock.new_id()),
        kind,
        state: RunState::Running,
        stage: Stage::Events,
        cursor: None,
        event_cursor: newest.and_then(|newest| newest.event_cursor),
        tenant_key,
        looked_at: 0,
        lost: 0,
        changed: 0,
        needs_person: 0,
        tenants_made: 0,
        attempts: 0,
        error: None,
        leased_until: now,
        fence: 0,
        started_at: now,
        finished_at: None,
    };
    if !queries::insert(&mut tx, &run).await? {
        return Err(Error::Unavailable("another comparison was begun at the same moment"));
    }
    let subject = Subject::new("reconcile_run", run.id);
    let data = serde_json::json!({ "kind": run.kind });
    let done = Done { action: "reconcile.start", subject: &subject, data: &data, at: now };
    record_platform(&mut tx, app, origin, done).await?;
    tx.nudge_after_commit(Nudge::Reconcile);
    tx.commit().await?;
    Ok(run)
}

/// A person says that what waited for one is settled. Where it is not, the next run finds it again.
///
/// # Errors
/// `NotFound`
pub async fn resolve(app: &App, origin: &Origin, id: DriftId) -> Result<Drift> {
    let mut conn = app.db.read().await?;
    let row = drifts::find(&mut conn, id).await?.ok_or_else(|| not_found("drift", id))?;
    drop(conn);
    if row.state == DriftState::NeedsPerson {
        drift::settle(app, origin, &row, DriftState::Resolved).await?;
    }
    let mut conn = app.db.read().await?;
    drifts::find(&mut conn, id).await?.ok_or_else(|| not_found("drift", id))
}
