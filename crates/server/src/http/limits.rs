//! How much one caller may ask at once: concurrency and time. The body's size is bounded by the router.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use crate::{app::App, error::Error};

/// Turns requests away when too many run, and stops waiting for one that takes too long.
///
/// What was begun is finished all the same, also when the client hangs up: a handler dropped between
/// Stripe's answer and our write would leave work for the webhook to repair. A stream counts only until
/// its first byte; `events::Streams` bounds what follows.
pub async fn bound(
    State((app, running)): State<(Arc<App>, Arc<Semaphore>)>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(permit) = running.try_acquire_owned() else {
        return Error::Limited { retry_after_seconds: 1 }.into_response();
    };
    let limit = Duration::from_secs(app.config.server.request_timeout_seconds);
    let work = app.requests.spawn(async move {
        let response = next.run(request).await;
        drop(permit);
        response
    });
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(response)) => response,
        // A bug of ours: the request fails alone, the service goes on.
        Ok(Err(panic)) => Error::Internal(panic.into()).into_response(),
        Err(_) => Error::TimedOut.into_response(),
    }
}
