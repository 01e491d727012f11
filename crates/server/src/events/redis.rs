//! Waking the streams of other instances through Redis.
//!
//! Only a hint travels: the tenant's id. Without Redis, or while it is gone, streams on other instances look
//! at the table with each heartbeat; nothing is lost.

use std::{sync::Arc, time::Duration};

use tokio::sync::broadcast::error::RecvError;
use tokio_stream::StreamExt;
use tollhouse_domain::id::TenantId;
use uuid::Uuid;

use crate::{app::App, nudge::Nudge};

const CHANNEL: &str = "tollhouse:events";
const RECONNECT_AFTER: Duration = Duration::from_secs(2);

/// Passes nudges on, both ways, until the service stops. Returns at once where no Redis is configured.
pub async fn run(app: Arc<App>) {
    let Some(url) = app.config.redis.url.clone() else { return };
    let instance = app.clock.new_id();
    let mut timer = tokio::time::interval(RECONNECT_AFTER);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = timer.tick() => {}
        }
        let outcome = tokio::select! {
            () = app.stop.cancelled() => return,
            outcome = pass_on(&app, url.expose(), instance) => outcome,
        };
        if let Err(error) = outcome {
            tracing::warn!(
                "Redis is gone; other instances learn of events by their timers: {error}"
            );
        }
    }
}

async fn pass_on(app: &App, url: &str, instance: Uuid) -> redis::RedisResult<()> {
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
                let text: String = message.get_payload()?;
                if let Some(tenant) = tenant_of_another(&text, instance) {
                    app.nudges.send(Nudge::EventsElsewhere(tenant));
                }
            }
            nudge = nudges.recv() => match nudge {
                Ok(Nudge::Events(tenant)) => {
                    let message = format!("{instance} {tenant}");
                    redis::cmd("PUBLISH").arg(CHANNEL).arg(message).exec_async(&mut publisher).await?;
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}

/// `<instance> <tenant>`; our own messages come back to us too.
fn tenant_of_another(message: &str, instance: Uuid) -> Option<TenantId> {
    let (sender, tenant) = message.split_once(' ')?;
    (sender != instance.to_string()).then(|| tenant.parse().ok()).flatten()
}
