//! How much one caller may ask at once: concurrency and time. The body's size is bounded by the router.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use crate::{app::App, error::Error};

/// Turns requests away when too many run, and gives up on one that takes too long.
///
/// A stream counts only until its first byte; `events::Streams` bounds what follows.
pub async fn bound(
    State((app, running)): State<(Arc<App>, Arc<Semaphore>)>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_permit) = running.try_acquire() else {
        return Error::Limited { retry_after_seconds: 1 }.into_response();
    };
    let limit = Duration::from_secs(app.config.server.request_timeout_seconds);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::TimedOut.into_response(),
    }
}
