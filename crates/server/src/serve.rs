//! Running the service: HTTP, tasks, or both, until told to stop.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{
    App,
    config::WorkerMode,
    events,
    http::{key_set, listen, router_beside},
    pages::Beside,
    tasks,
};

/// A request that is still running this long after the stop is given up.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs until `app.stop` is cancelled; requests under way are answered, tasks finish their run.
///
/// With a listener it serves HTTP, and runs the tasks too unless the settings leave them to a dedicated
/// process. Without one it is that process.
pub async fn serve(app: Arc<App>, listener: Option<TcpListener>) {
    serve_beside(app, listener, Beside::default()).await;
}

/// The same, with something beside its pages.
pub async fn serve_beside(app: Arc<App>, listener: Option<TcpListener>, beside: Beside) {
    let webhooks = &app.config.webhooks;
    let inline = webhooks.worker && webhooks.mode == WorkerMode::Inline;
    let works = listener.is_none() || inline;
    let running = TaskTracker::new();
    if works {
        running.spawn(tasks::run(Arc::clone(&app)));
        running.spawn(events::copy::run(Arc::clone(&app)));
    }
    running.spawn(events::wake::run(Arc::clone(&app)));
    running.spawn(key_set::run(Arc::clone(&app)));
    if let Some(listener) = listener {
        let router = router_beside(&app, beside);
        running.spawn(listen(listener, router, Arc::clone(&app)));
    }
    running.close();
    app.stop.cancelled().await;
    app.requests.close();
    let ended = async { tokio::join!(running.wait(), app.requests.wait()) };
    if tokio::time::timeout(STOP_TIMEOUT, ended).await.is_err() {
        tracing::warn!("some requests did not end in time and were given up");
    }
    app.db.close().await;
}
