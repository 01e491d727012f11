//! What is looked up when Prometheus asks.

use tollhouse_domain::time::Timestamp;

use crate::{
    app::App,
    error::Result,
    events::queries as events,
    export::queries as export,
    metrics::list,
    outbound::{lanes::queries as lanes, queries as outbound},
    reconcile::drift::queries as drift,
    usage::billable::queries as billable,
    webhooks::queries as webhooks,
};

/// Rows of a kind that one query looks at: more is as bad, and would make asking slow when it is worst.
const ROWS_MAX: i64 = 100_000;

/// Takes every reading anew.
pub async fn take(app: &App) -> Result<()> {
    let (now, metrics) = (app.clock.now(), &app.metrics);
    let mut conn = app.db.read().await?;
    let deliveries = webhooks::backlog(&mut conn, now).await?;
    let lanes = lanes::backlog(&mut conn, ROWS_MAX).await?;
    let endpoints = outbound::count_standing(&mut conn).await?;
    let meter_events = export::waiting(&mut conn, ROWS_MAX).await?;
    let hour = billable::first_due_at(&mut conn).await?;
    let drift = drift::count_open(&mut conn).await?;
    let unplaced = events::unplaced(&mut conn).await?;
    drop(conn);

    metrics.set(&list::DELIVERIES_WAITING, &[], deliveries.waiting);
    metrics.set(&list::DELIVERIES_OLDEST, &[], age(deliveries.oldest, now));
    metrics.set(&list::DELIVERIES_DEAD, &[], deliveries.dead);
    if let Some(newest) = deliveries.newest {
        metrics.set(&list::DELIVERIES_NEWEST, &[], newest.as_second());
    }
    metrics.set(&list::OUTBOUND_WAITING, &[], lanes.events);
    metrics.set(&list::OUTBOUND_FAILING, &[], lanes.failing);
    metrics.set(&list::OUTBOUND_ENDPOINTS, &["enabled"], endpoints.enabled);
    metrics.set(&list::OUTBOUND_ENDPOINTS, &["disabled"], endpoints.disabled);
    let first = hour.into_iter().chain(meter_events.due_at).min();
    metrics.set(&list::EXPORT_OLDEST, &[], age(first, now));
    metrics.set(&list::EXPORT_METER_EVENTS, &["pending"], meter_events.pending);
    metrics.set(&list::EXPORT_METER_EVENTS, &["refused"], meter_events.refused);
    metrics.set(&list::EXPORT_METER_EVENTS, &["unclear"], meter_events.unclear);
    metrics.set(&list::DRIFT_OPEN, &[], drift);
    metrics.set(&list::EVENTS_UNPLACED, &[], unplaced.events);
    metrics.set(&list::EVENTS_OLDEST, &[], age(unplaced.oldest, now));
    metrics.set(&list::STREAMS_OPEN, &[], i64::try_from(app.streams.count()).unwrap_or(i64::MAX));
    for (pool, used, idle) in app.db.connections() {
        metrics.set(&list::CONNECTIONS, &[pool, "used"], used);
        metrics.set(&list::CONNECTIONS, &[pool, "idle"], idle);
    }
    Ok(())
}

/// Seconds since then; 0 where there is no such moment, or it is still to come.
fn age(since: Option<Timestamp>, now: Timestamp) -> i64 {
    since.map_or(0, |since| now.seconds_since(since).max(0))
}
