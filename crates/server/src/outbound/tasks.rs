//! Sending what is new: events are handed on to lanes, lanes are claimed and worked, endpoint beside endpoint.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::task::{Id, JoinSet};
use tollhouse_domain::{
    id::WebhookEndpointId,
    retention::{days, goes_before},
};

use super::{
    deliveries::queries as deliveries,
    filter::wants,
    lanes::queries::{self as lanes, Extension, Lane},
    queries::{self, Endpoint},
    tell::{CLAIM_SECONDS, tell},
};
use crate::{app::App, error::Result, events::queries as events};

/// Tenants whose events are handed on in one transaction.
const TENANTS_AT_ONCE: i64 = 50;
/// Lanes of one endpoint that are worked side by side; a slow endpoint holds up no other.
const LANES_PER_ENDPOINT: usize = 4;
/// Events of a lane that are sent before others of the endpoint have their turn.
const EVENTS_PER_TURN: i64 = 20;
/// While slow endpoints are waited for, new events are looked for this often.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Works until nothing is due, or the service stops.
pub async fn deliver_events(app: Arc<App>) -> Result<()> {
    let mut running = Running::default();
    let outcome = deliver_what_is_due(&app, &mut running).await;
    // Whatever ended it: an attempt that was begun is finished, so that we know whether it was taken.
    while running.join_next().await {}
    outcome
}

async fn deliver_what_is_due(app: &Arc<App>, running: &mut Running) -> Result<()> {
    while !app.stop.is_cancelled() {
        hand_on(app).await?;
        for (endpoint, free) in endpoints_with_work(app, running).await? {
            for lane in claim(app, endpoint, free).await? {
                running.spawn(endpoint, work_lane(Arc::clone(app), lane));
            }
        }
        if running.whose.is_empty() {
            return Ok(());
        }
        // A time-out only means: look for new ones.
        let _ = tokio::time::timeout(LOOK_AGAIN, running.join_next()).await;
    }
    Ok(())
}

/// The lanes that are worked, and whose they are.
#[derive(Default)]
struct Running {
    tasks: JoinSet<Result<()>>,
    whose: HashMap<Id, WebhookEndpointId>,
}

impl Running {
    fn spawn(
        &mut self,
        endpoint: WebhookEndpointId,
        work: impl Future<Output = Result<()>> + Send + 'static,
    ) {
        let task = self.tasks.spawn(work);
        self.whose.insert(task.id(), endpoint);
    }

    fn free(&self, endpoint: WebhookEndpointId) -> usize {
        let taken = self.whose.values().filter(|other| **other == endpoint).count();
        LANES_PER_ENDPOINT.saturating_sub(taken)
    }

    /// Waits for one to end; `false` where there is none. What it met is its own affair: its lane is claimed
    /// again when the claim runs out.
    async fn join_next(&mut self) -> bool {
        let Some(ended) = self.tasks.join_next_with_id().await else { return false };
        let id = match ended {
            Ok((id, Ok(()))) => id,
            Ok((id, Err(error))) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(error.cause = cause, "events could not be delivered: {error}");
                id
            }
            Err(panic) => {
                tracing::error!("an event made the worker panic: {panic}");
                panic.id()
            }
        };
        self.whose.remove(&id);
        true
    }
}

/// Tells every lane what is new. Events that were committed before an endpoint was made are not handed on to it.
pub async fn hand_on(app: &App) -> Result<()> {
    loop {
        let mut conn = app.db.read().await?;
        let is_new = events::has_unrelayed(&mut conn).await?;
        drop(conn);
        if !is_new {
            return Ok(());
        }
        let mut tx = app.db.begin().await?;
        let tenants = events::take_unrelayed(&mut tx, TENANTS_AT_ONCE).await?;
        // Read after the counters are locked: an endpoint that was committed before an event is seen here.
        let endpoints = queries::list_audiences(&mut tx).await?;
        let mut extensions = Vec::new();
        for new in &tenants {
            let listening = endpoints
                .iter()
                .filter(|endpoint| endpoint.tenant_id.is_none_or(|tenant| tenant == new.tenant_id));
            extensions.extend(listening.map(|endpoint| Extension {
                endpoint_id: endpoint.id,
                tenant_id: new.tenant_id,
                after: new.relayed,
                newest: new.last,
            }));
        }
        if !extensions.is_empty() {
            lanes::extend(&mut tx, &extensions, app.clock.now()).await?;
        }
        tx.commit().await?;
        // Fewer than were asked for are all there are; what is being written at this moment nudges us later.
        if i64::try_from(tenants.len()).is_ok_and(|taken| taken < TENANTS_AT_ONCE) {
            return Ok(());
        }
    }
}

/// Endpoints with something to send, and how many lanes of theirs may be claimed.
async fn endpoints_with_work(
    app: &App,
    running: &Running,
) -> Result<Vec<(WebhookEndpointId, usize)>> {
    let mut conn = app.db.read().await?;
    let endpoints = queries::endpoints_with_work(&mut conn, app.clock.now()).await?;
    let free = endpoints.into_iter().map(|endpoint| (endpoint, running.free(endpoint)));
    Ok(free.filter(|(_, free)| *free > 0).collect())
}

async fn claim(app: &App, endpoint: WebhookEndpointId, free: usize) -> Result<Vec<Lane>> {
    let now = app.clock.now();
    let limit = i64::try_from(free).unwrap_or(0);
    let mut tx = app.db.begin().await?;
    let until = now.plus_seconds(CLAIM_SECONDS);
    let claimed = lanes::claim(&mut tx, endpoint, now, until, limit).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Sends a lane's next events, in order, until one is not taken; then gives the lane back.
async fn work_lane(app: Arc<App>, mut lane: Lane) -> Result<()> {
    let mut conn = app.db.read().await?;
    let next = events::since(&mut conn, lane.tenant_id, lane.sequence, EVENTS_PER_TURN).await?;
    drop(conn);
    let is_all = i64::try_from(next.len()).is_ok_and(|read| read < EVENTS_PER_TURN);
    for event in next {
        let Some(endpoint) = enabled(&app, lane.endpoint_id).await? else {
            return give_back(&app, &lane).await;
        };
        if app.stop.is_cancelled() {
            return give_back(&app, &lane).await;
        }
        let is_begun = lane.attempts > 0;
        if !is_begun && !wants(&endpoint.enabled_events.to::<Vec<String>>()?, event.r#type) {
            lane.sequence = event.sequence;
        } else if !tell(&app, &endpoint, &mut lane, &event).await? {
            return Ok(());
        }
    }
    if is_all {
        lane.sequence = lane.sequence.max(lane.newest);
    }
    give_back(&app, &lane).await
}

pub async fn give_back(app: &App, lane: &Lane) -> Result<()> {
    let mut tx = app.db.begin().await?;
    lanes::write(&mut tx, lane, None, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// As it is now: what an operator changes holds from the next event on.
async fn enabled(app: &App, id: WebhookEndpointId) -> Result<Option<Endpoint>> {
    let mut conn = app.db.read().await?;
    Ok(queries::find_endpoint(&mut conn, id).await?.filter(|endpoint| endpoint.enabled))
}

/// Drops what was settled long ago, and what is left of endpoints that are gone.
pub async fn forget_old_outbound_deliveries(app: &App) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let kept = days(app.config.retention.outbound_delivery_days);
    if let Some(before) = goes_before(kept, app.clock.now()) {
        deliveries::forget(&mut tx, before).await?;
    }
    lanes::forget(&mut tx).await?;
    Ok(tx.commit().await?)
}
