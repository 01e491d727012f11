//! Page after page, as fast as it is read.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use super::{format::Format, queries::Filter, rows::Table};
use crate::{
    app::App,
    error::{Error, Result},
};

/// Files that may be read at once.
const AT_ONCE: usize = 8;
/// Pages that may wait for a slow client; then reading waits too.
const SEND_AHEAD: usize = 2;

/// The places for downloads.
#[derive(Clone)]
pub struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Places {
    /// `None` where all are taken.
    pub fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// What is downloaded.
pub struct Download {
    pub table: Table,
    pub format: Format,
    pub filter: Filter,
}

type Answer = mpsc::Sender<std::io::Result<Bytes>>;

/// The body of the file; it is read while it is sent, and no further ahead than a few pages.
pub fn body(app: Arc<App>, download: Download, place: OwnedSemaphorePermit) -> Body {
    let (answer, answers) = mpsc::channel(SEND_AHEAD + 1);
    let tracker = app.requests.clone();
    tracker.spawn(async move {
        // Room for the last word is kept: a client that reads nothing must hear it, too.
        let Ok(last_word) = answer.clone().reserve_owned().await else { return };
        if let Err(error) = send(&app, &download, &answer).await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(error.cause = cause, "a download broke off: {error}");
            // The connection is cut: a file that ends early must not look whole.
            last_word.send(Err(std::io::Error::other("the download broke off")));
        }
        drop(place);
    });
    Body::from_stream(ReceiverStream::new(answers))
}

async fn send(app: &App, download: &Download, answer: &Answer) -> Result<()> {
    let Download { table, format, filter } = download;
    let patience = Duration::from_secs(app.config.server.request_timeout_seconds);
    let (mut text, mut after): (String, Option<Uuid>) = (format.head(table.columns()), None);
    loop {
        let mut conn = app.db.read().await?;
        let page = table.read(&mut conn, filter, after).await?;
        // Nobody's connection is held while a slow client reads.
        drop(conn);
        for cells in &page.cells {
            format.write(&mut text, table.columns(), cells)?;
        }
        let chunk = Bytes::from(std::mem::take(&mut text));
        let sent = tokio::select! {
            sent = tokio::time::timeout(patience, answer.send(Ok(chunk))) => sent,
            () = app.stop.cancelled() => return Err(Error::Unavailable("it stops")),
        };
        match (sent, page.next) {
            (Ok(Ok(())), Some(next)) => after = Some(next),
            // At the end; or the client is gone.
            (Ok(_), _) => return Ok(()),
            (Err(_), _) => return Err(Error::TimedOut),
        }
    }
}
