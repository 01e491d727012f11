//! Replaying deliveries: a person had them looked at again. Always safe, since what is worked is fetched anew.

use serde_json::json;
use tollhouse_domain::id::DeliveryId;

use super::{
    queries::{self, Filter, Replayable},
    sort::sort,
    state::State,
};
use crate::{
    app::App,
    db::Tx,
    error::{Conflict, Error, Result, not_found},
    nudge::Nudge,
    record::{Done, Origin, Subject, record_platform},
};

/// Deliveries begun anew in one transaction.
const BATCH: i64 = 100;
/// Batches of one call.
const BATCHES_MAX: usize = 10;

/// What became of the deliveries that were to be replayed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replayed {
    /// Handed to the workers.
    pub replayed: u64,
    /// Looked at again, and still nothing we can read or act on.
    pub passed_over: u64,
    /// Where the next call begins, if this one did not come to the end.
    pub next: Option<DeliveryId>,
}

/// Begins one delivery anew, whatever became of it before. Where it stands now: `received` where it will
/// be worked.
///
/// # Errors
/// `NotFound`; `Conflict` while a worker has it, and where its body is no longer kept.
pub async fn replay(app: &App, origin: &Origin, id: DeliveryId) -> Result<State> {
    let mut tx = app.db.begin().await?;
    let found = queries::find_replayable(&mut tx, id).await?;
    let delivery = found.ok_or_else(|| not_found("delivery", id))?;
    if delivery.state == State::Working {
        let why = "The delivery is being worked just now: wait for what comes of it.".to_owned();
        return Err(Error::Conflict(Conflict::DeliveryAtWork, why));
    }
    if delivery.emptied_at.is_some() {
        let why = "The body of the delivery is no longer kept: compare with Stripe instead, by \
                   `POST /api/v1/admin/reconcile`.";
        return Err(Error::Conflict(Conflict::DeliveryEmptied, why.to_owned()));
    }
    let state = begin_anew(app, &mut tx, &delivery).await?;
    let subject = Subject::new("delivery", id);
    tell(app, origin, &mut tx, &subject, &json!({ "was": delivery.state.as_str() })).await?;
    tx.nudge_after_commit(Nudge::Deliveries);
    tx.commit().await?;
    Ok(state)
}

/// Begins those anew that a filter names, oldest first, up to a thousand of them. Those that a worker has
/// are left to it.
pub async fn replay_many(
    app: &App,
    origin: &Origin,
    filter: &Filter,
    after: Option<DeliveryId>,
) -> Result<Replayed> {
    let mut total = Replayed { next: after, ..Replayed::default() };
    for _ in 0..BATCHES_MAX {
        let mut tx = app.db.begin().await?;
        let batch = queries::list_replayable(&mut tx, filter, total.next, BATCH).await?;
        let Some(last) = batch.last().map(|delivery| delivery.id) else {
            total.next = None;
            break;
        };
        let mut replayed = Replayed::default();
        for delivery in &batch {
            match begin_anew(app, &mut tx, delivery).await? {
                State::Received => replayed.replayed += 1,
                _ => replayed.passed_over += 1,
            }
        }
        let what = json!({
            "states": filter.states.iter().map(|state| state.as_str()).collect::<Vec<_>>(),
            "type": filter.event_type,
            "object": filter.object_id,
            "from": filter.from,
            "to": filter.to,
            "replayed": replayed.replayed,
            "passed_over": replayed.passed_over,
        });
        let subject = Subject::new("deliveries", format!("until {last}"));
        tell(app, origin, &mut tx, &subject, &what).await?;
        tx.nudge_after_commit(Nudge::Deliveries);
        tx.commit().await?;
        total.replayed += replayed.replayed;
        total.passed_over += replayed.passed_over;
        total.next = Some(last);
    }
    Ok(total)
}

/// Sorts it again too: what an older version could not read or act on, this one may.
async fn begin_anew(app: &App, tx: &mut Tx, delivery: &Replayable) -> Result<State> {
    let now = app.clock.now();
    let sorted = sort(&delivery.payload, now);
    queries::begin_anew(tx, delivery.id, &sorted, now).await?;
    Ok(sorted.state)
}

async fn tell(
    app: &App,
    origin: &Origin,
    tx: &mut Tx,
    subject: &Subject,
    data: &serde_json::Value,
) -> Result<()> {
    let at = app.clock.now();
    record_platform(tx, app, origin, Done { action: "delivery.replay", subject, data, at }).await
}
