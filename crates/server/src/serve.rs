//! Running the service: HTTP, tasks, or both, until told to stop.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{App, config::WorkerMode, events, http::router, tasks};

/// What one process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// HTTP, and the tasks too unless the settings leave them to a dedicated process.
    Http,
    /// Only the tasks.
    Tasks,
}

/// A request that is still running this long after the stop is given up.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until `app.stop` is cancelled; requests under way are answered, tasks finish their run.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(app: Arc<App>, listener: TcpListener, parts: Parts) -> anyhow::Result<()> {
    let webhooks = &app.config.webhooks;
    let works = parts == Parts::Tasks || (webhooks.worker && webhooks.mode == WorkerMode::Inline);
    let running = TaskTracker::new();
    if works {
        running.spawn(tasks::run(Arc::clone(&app)));
    }
    running.spawn(events::redis::run(Arc::clone(&app)));
    if parts == Parts::Http {
        let stopped = app.stop.clone().cancelled_owned();
        let served = axum::serve(listener, router(&app)).with_graceful_shutdown(stopped);
        running.spawn(async move {
            if let Err(error) = served.await {
                tracing::error!("the listener failed: {error}");
            }
        });
    }
    running.close();
    app.stop.cancelled().await;
    app.requests.close();
    let ended = async { tokio::join!(running.wait(), app.requests.wait()) };
    if tokio::time::timeout(STOP_TIMEOUT, ended).await.is_err() {
        tracing::warn!("some requests did not end in time and were given up");
    }
    app.db.close().await;
    Ok(())
}
