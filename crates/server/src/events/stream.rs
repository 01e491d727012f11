//! Server-sent events: catch up from the table, then wait to be nudged.
//!
//! What is sent is always read from the table, in order, from the last number sent; a nudge only says
//! when to look. So nothing is sent twice, nothing is left out, and a lost nudge costs a heartbeat.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::sse::{Event as SseEvent, Sse};
use serde::Serialize;
use tokio::sync::{
    OwnedSemaphorePermit, Semaphore,
    broadcast::{self, error::RecvError},
    mpsc,
};
use tokio_stream::wrappers::ReceiverStream;
use tollhouse_domain::{event::EventType, id::TenantId};

use super::{
    api::{AnyEventView, EventView},
    queries,
};
use crate::{app::App, error::Result, nudge::Nudge};

/// Events read and sent at once.
const BATCH: i64 = 100;
/// Events that may wait for a slow client; then reading waits too.
const SEND_AHEAD: usize = 16;
/// How long clients wait before they come back.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// Whose events are told, and so by which number they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One tenant's, by its own sequence.
    Tenant(TenantId),
    /// All tenants', by their positions.
    All,
}

/// Every open stream of this process; how many there may be.
#[derive(Clone)]
pub struct Streams {
    places: Arc<Semaphore>,
    connections_max: usize,
}

type Line = std::result::Result<SseEvent, Infallible>;

impl Streams {
    pub fn new(connections_max: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(connections_max)), connections_max }
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.connections_max.saturating_sub(self.places.available_permits())
    }

    /// Streams what comes after `after`; `None` where there are too many streams already.
    pub fn open(
        &self,
        app: &Arc<App>,
        source: Source,
        after: i64,
    ) -> Option<Sse<ReceiverStream<Line>>> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let (sender, receiver) = mpsc::channel(SEND_AHEAD);
        tokio::spawn(serve(Arc::clone(app), source, after, sender, permit));
        Some(Sse::new(ReceiverStream::new(receiver)))
    }
}

/// Sends until the client leaves or the stream's life is over.
async fn serve(
    app: Arc<App>,
    source: Source,
    after: i64,
    client: mpsc::Sender<Line>,
    _permit: OwnedSemaphorePermit,
) {
    let life = Duration::from_secs(app.config.stream.life_seconds);
    let ended = tokio::time::timeout(life, follow(&app, source, after, &client)).await;
    if let Ok(Err(error)) = ended {
        tracing::warn!(stream.source = ?source, "a stream was closed: {error}");
    }
}

async fn follow(
    app: &App,
    source: Source,
    mut after: i64,
    client: &mpsc::Sender<Line>,
) -> Result<()> {
    let heartbeat = Duration::from_secs(app.config.stream.heartbeat_seconds);
    // Listening before reading: what is committed in between nudges us.
    let mut nudges = app.nudges.listen();
    let hello = SseEvent::default().retry(RECONNECT_AFTER).comment("connected");
    if client.send(Ok(hello)).await.is_err() {
        return Ok(());
    }
    loop {
        let mut conn = app.db.read().await?;
        let events = match source {
            Source::Tenant(tenant) => queries::since(&mut conn, tenant, after, BATCH).await?,
            Source::All => queries::since_of_all(&mut conn, None, None, after, BATCH).await?,
        };
        drop(conn);
        let more = i64::try_from(events.len()).is_ok_and(|read| read == BATCH);
        for event in events {
            let line = match source {
                Source::Tenant(_) => {
                    after = event.sequence;
                    line(after, event.r#type, &EventView::from(event))?
                }
                Source::All => {
                    after = event.position.unwrap_or(after);
                    line(after, event.r#type, &AnyEventView::from(event))?
                }
            };
            if client.send(Ok(line)).await.is_err() {
                return Ok(());
            }
        }
        if more {
            continue;
        }
        let sign_of_life = tokio::select! {
            () = client.closed() => return Ok(()),
            () = app.stop.cancelled() => return Ok(()),
            waited = tokio::time::timeout(heartbeat, nudged(&mut nudges, source)) => waited.is_err(),
        };
        if sign_of_life && client.send(Ok(SseEvent::default().comment("heartbeat"))).await.is_err()
        {
            return Ok(());
        }
    }
}

fn line(id: i64, event: EventType, data: &impl Serialize) -> Result<SseEvent> {
    let sse = SseEvent::default().id(id.to_string()).event(event.as_str());
    Ok(sse.data(serde_json::to_string(data)?))
}

/// Returns when there may be new events to tell.
async fn nudged(nudges: &mut broadcast::Receiver<Nudge>, source: Source) {
    let is_ours = |nudge| match source {
        Source::Tenant(own) => nudge == Nudge::Events(own) || nudge == Nudge::EventsElsewhere(own),
        Source::All => matches!(nudge, Nudge::EventsPlaced | Nudge::EventsPlacedElsewhere),
    };
    loop {
        match nudges.recv().await {
            Ok(nudge) if is_ours(nudge) => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            // The process stops; the stream ends by itself.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
