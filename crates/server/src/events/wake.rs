//! Waking the streams of other instances: through Redis, or without one through Postgres.
//!
//! Only a hint travels: whose events are new, or that some were placed. While nothing travels, streams on
//! other instances look at the table with each heartbeat; nothing is lost.

use std::{sync::Arc, time::Duration};

use tokio::sync::broadcast::error::RecvError;
use tokio_stream::StreamExt;
use uuid::Uuid;

use crate::{
    app::App,
    db::{DbError, Listener},
    nudge::Nudge,
};

const CHANNEL: &str = "tollhouse:events";
const RECONNECT_AFTER: Duration = Duration::from_secs(2);
/// The word for events that were placed, where a tenant's id says whose are new.
const PLACED: &str = "placed";

/// Passes nudges on, both ways, until the service stops. Returns at once where there is no way to.
pub async fn run(app: Arc<App>) {
    let redis = app.config.redis.url.clone();
    if redis.is_none() && app.db.kind() == "sqlite" {
        return;
    }
    let instance = app.clock.new_id();
    let mut timer = tokio::time::interval(RECONNECT_AFTER);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = timer.tick() => {}
        }
        let passing = async {
            match &redis {
                Some(url) => through_redis(&app, url.expose(), instance).await,
                None => through_postgres(&app, instance).await,
            }
        };
        let outcome = tokio::select! {
            () = app.stop.cancelled() => return,
            outcome = passing => outcome,
        };
        if let Err(error) = outcome {
            tracing::warn!("other instances learn of events by their timers for now: {error}");
        }
    }
}

async fn through_redis(app: &App, url: &str, instance: Uuid) -> anyhow::Result<()> {
    let client = redis::Client::open(url)?;
    let mut publisher = client.get_multiplexed_async_connection().await?;
    let mut subscriber = client.get_async_pubsub().await?;
    subscriber.subscribe(CHANNEL).await?;
    let mut heard = subscriber.into_on_message();
    let mut nudges = app.nudges.listen();
    tracing::info!("events of other instances are heard through Redis");
    loop {
        tokio::select! {
            message = heard.next() => {
                let Some(message) = message else { return Ok(()) };
                hear(app, &message.get_payload::<String>()?, instance);
            }
            nudge = nudges.recv() => {
                if let Some(word) = word(nudge) {
                    let message = format!("{instance} {word}");
                    redis::cmd("PUBLISH").arg(CHANNEL).arg(message).exec_async(&mut publisher).await?;
                }
            }
        }
    }
}

async fn through_postgres(app: &App, instance: Uuid) -> anyhow::Result<()> {
    let Some(mut listener) = app.db.listen(CHANNEL).await? else { return Ok(()) };
    tracing::info!("events of other instances are heard through Postgres");
    // Hearing and saying stand apart: a word that is being read must not be dropped for one to be said.
    tokio::try_join!(hear_postgres(app, &mut listener, instance), say_postgres(app, instance))?;
    Ok(())
}

async fn say_postgres(app: &App, instance: Uuid) -> Result<(), DbError> {
    let mut nudges = app.nudges.listen();
    loop {
        if let Some(word) = word(nudges.recv().await) {
            app.db.say(CHANNEL, &format!("{instance} {word}")).await?;
        }
    }
}

async fn hear_postgres(app: &App, listener: &mut Listener, instance: Uuid) -> Result<(), DbError> {
    loop {
        // None: the connection was lost, and is made anew by the next call.
        if let Some(message) = listener.next().await? {
            hear(app, &message, instance);
        }
    }
}

/// What is said to the others of a nudge here.
fn word(nudge: Result<Nudge, RecvError>) -> Option<String> {
    match nudge {
        Ok(Nudge::Events(tenant)) => Some(tenant.to_string()),
        Ok(Nudge::EventsPlaced) => Some(PLACED.to_owned()),
        _ => None,
    }
}

/// `<instance> <word>`; our own words come back to us too.
fn hear(app: &App, message: &str, instance: Uuid) {
    let Some((sender, word)) = message.split_once(' ') else { return };
    if sender == instance.to_string() {
        return;
    }
    if word == PLACED {
        app.nudges.send(Nudge::EventsPlacedElsewhere);
    } else if let Ok(tenant) = word.parse() {
        app.nudges.send(Nudge::EventsElsewhere(tenant));
    }
}
