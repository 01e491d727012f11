//! Copying every event to a Redis Stream, for programs that would rather read there.
//!
//! The table is the truth: what is copied is read from it by position, and an entry's id *is* its position.
//! So Redis itself refuses an event twice or out of order, whoever writes; and its newest entry says how far
//! the copy got. The lease in `event_copies` only spares the other instances the work.

use std::{sync::Arc, time::Duration};

use anyhow::bail;
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use tollhouse_domain::time::Timestamp;
use uuid::Uuid;

use super::{
    api::AnyEventView,
    queries::{self, Event, Lease},
};
use crate::{app::App, nudge::Nudge};

const NAME: &str = "redis";
const RECONNECT_AFTER: Duration = Duration::from_secs(2);
/// New events are looked for this often, and sooner when nudged.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// After this long without a word another process goes on.
const LEASE_SECONDS: i64 = 20;
/// Events sent at once.
const BATCH: i64 = 200;

/// Copies until the service stops. Returns at once where no Redis is configured.
pub async fn run(app: Arc<App>) {
    let settings = &app.config.redis;
    let Some(url) = settings.events_url.clone().or_else(|| settings.url.clone()) else { return };
    let holder = app.clock.new_id();
    let mut timer = tokio::time::interval(RECONNECT_AFTER);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = timer.tick() => {}
        }
        let outcome = tokio::select! {
            () = app.stop.cancelled() => return,
            outcome = copy(&app, url.expose(), holder) => outcome,
        };
        if let Err(error) = outcome {
            tracing::warn!("events are not copied to Redis for now, and none is lost: {error:#}");
        }
    }
}

/// Whether a Redis answers at this URL.
///
/// # Errors
/// With what stands against it; never with the URL, which may hold a password.
pub async fn ping(url: &str) -> redis::RedisResult<()> {
    redis::cmd("PING").exec_async(&mut connect(url).await?).await
}

async fn connect(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_TIMEOUT))
        .set_response_timeout(Some(ANSWER_TIMEOUT));
    let client = redis::Client::open(url)?;
    client.get_multiplexed_async_connection_with_config(&config).await
}

async fn copy(app: &App, url: &str, holder: Uuid) -> anyhow::Result<()> {
    let mut redis = connect(url).await?;
    let mut nudges = app.nudges.listen();
    let mut held = None;
    loop {
        // Heard from here on is what was not read below.
        nudges = nudges.resubscribe();
        held = hold(app, holder, held).await?;
        if let Some(held) = &mut held
            && copy_batch(app, &mut redis, held).await?
        {
            continue;
        }
        let news = async {
            while !matches!(
                nudges.recv().await,
                Ok(Nudge::EventsPlaced | Nudge::EventsPlacedElsewhere) | Err(_)
            ) {}
        };
        // Too long without a nudge only means: look.
        let _ = tokio::time::timeout(LOOK_AGAIN, news).await;
    }
}

/// The lease as this process has it.
struct Held {
    lease: Lease,
    renew_at: Timestamp,
}

/// Takes the lease, or renews it when it is time, noting how far the copy got.
async fn hold(app: &App, holder: Uuid, held: Option<Held>) -> anyhow::Result<Option<Held>> {
    let now = app.clock.now();
    if held.as_ref().is_some_and(|held| now < held.renew_at) {
        return Ok(held);
    }
    let until = now.plus_seconds(LEASE_SECONDS);
    let mut tx = app.db.begin().await?;
    let lease = match held {
        Some(Held { lease, .. }) => {
            queries::note_copied(&mut tx, NAME, lease, until).await?.then_some(lease)
        }
        None => queries::take_lease(&mut tx, NAME, holder, now, until).await?,
    };
    tx.commit().await?;
    let renew_at = now.plus_seconds(LEASE_SECONDS / 2);
    Ok(lease.map(|lease| Held { lease, renew_at }))
}

/// Copies what comes next; whether there may be more.
async fn copy_batch(
    app: &App,
    redis: &mut MultiplexedConnection,
    held: &mut Held,
) -> anyhow::Result<bool> {
    let settings = &app.config.redis;
    let top = newest_entry(redis, &settings.events_key).await?;
    let mut conn = app.db.read().await?;
    let newest = queries::last_position(&mut conn).await?;
    let refill = settings.events_replay.then_some(settings.events_kept);
    let Some(after) = begin_after(top, newest, held.lease.position, refill) else {
        bail!(
            "the stream `{}` holds entries newer than any event here: it is another installation's, or this \
             database was restored from a backup. Name another with `redis.events_key`, or delete it",
            settings.events_key
        );
    };
    let events = queries::since_of_all(&mut conn, None, None, after, BATCH).await?;
    drop(conn);
    let Some(last) = events.last().and_then(|event| event.position) else { return Ok(false) };
    if add(app, redis, events).await? == Added::All {
        held.lease.position = last;
    }
    Ok(true)
}

/// After which position copying goes on; `None` where the stream holds what we never had.
///
/// Where the stream is empty: after what was copied last, or, where it is to be filled again, so far back
/// that it holds as many as it keeps.
fn begin_after(top: Option<i64>, newest: i64, copied: i64, refill: Option<i64>) -> Option<i64> {
    match (top, refill) {
        (Some(top), _) if top > newest => None,
        (Some(top), _) => Some(top),
        (None, Some(kept)) => Some(copied.min(newest.saturating_sub(kept).max(0))),
        (None, None) => Some(copied),
    }
}

/// The position of the stream's newest entry.
async fn newest_entry(
    redis: &mut MultiplexedConnection,
    key: &str,
) -> redis::RedisResult<Option<i64>> {
    let entries: Vec<(String, Vec<String>)> = redis::cmd("XREVRANGE")
        .arg(key)
        .arg("+")
        .arg("-")
        .arg("COUNT")
        .arg(1)
        .query_async(redis)
        .await?;
    let id = entries.first().and_then(|(id, _)| id.split('-').next());
    Ok(id.and_then(|position| position.parse().ok()))
}

#[derive(PartialEq, Eq)]
enum Added {
    All,
    /// Some were there already: somebody whose lease ran out wrote beside us.
    BesideAnother,
}

async fn add(
    app: &App,
    redis: &mut MultiplexedConnection,
    events: Vec<Event>,
) -> anyhow::Result<Added> {
    let settings = &app.config.redis;
    let mut pipe = redis::pipe();
    for event in events {
        let entry = pipe.cmd("XADD").arg(&settings.events_key);
        let entry = entry.arg("MAXLEN").arg("~").arg(settings.events_kept);
        let entry = entry.arg(format!("{}-0", event.position.unwrap_or_default()));
        let entry = entry.arg("tenant_id").arg(event.tenant_id.to_string());
        let entry = entry.arg("sequence").arg(event.sequence);
        let entry = entry.arg("type").arg(event.r#type.as_str());
        entry.arg("event").arg(serde_json::to_string(&AnyEventView::from(event))?).ignore();
    }
    match pipe.exec_async(redis).await {
        Ok(()) => Ok(Added::All),
        Err(error) if error.to_string().contains("equal or smaller") => Ok(Added::BesideAnother),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copying_goes_on_where_the_stream_ends() {
        let cases = [
            ("nothing was copied", (None, 9, 0, None), Some(0)),
            ("the stream was lost", (None, 9, 7, None), Some(7)),
            ("the stream was lost, and is filled again", (None, 9, 7, Some(5)), Some(4)),
            ("it keeps more than there is", (None, 9, 7, Some(100)), Some(0)),
            ("it keeps less than is to be copied", (None, 9, 2, Some(5)), Some(2)),
            ("we died before noting it", (Some(8), 9, 7, None), Some(8)),
            ("Redis came back with less", (Some(5), 9, 7, None), Some(5)),
            ("all is there", (Some(9), 9, 9, Some(5)), Some(9)),
            ("the stream is another's", (Some(10), 9, 7, None), None),
        ];
        for (case, (top, newest, copied, refill), after) in cases {
            assert_eq!(begin_after(top, newest, copied, refill), after, "{case}");
        }
    }
}
