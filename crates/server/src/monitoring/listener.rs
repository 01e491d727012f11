//! An address for monitors alone: the only door of a process that runs tasks and serves nobody.

use std::sync::Arc;

use axum::{Router, http::Uri, middleware::from_fn_with_state, routing::get};
use tokio::net::TcpListener;

use super::api;
use crate::{
    app::App,
    error::not_found,
    http::{health, listen, request_log},
};

/// Answers `/metrics` and the health probes, and nothing else, until the service stops. Whoever reaches the address
/// may read them: there is nobody to ask where a monitor has no credential, or the database that knows keys is gone.
pub async fn serve_monitors(app: Arc<App>, listener: TcpListener) {
    let router = Router::new()
        .route("/metrics", get(api::open))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .fallback(|uri: Uri| async move { not_found("route", uri.path()) })
        .layer(from_fn_with_state(Arc::clone(&app), request_log::log))
        .with_state(Arc::clone(&app));
    listen(listener, router, app).await;
}
