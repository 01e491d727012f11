//! `GET /metrics`

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderName, header},
};
use tollhouse_domain::actor::Permission;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::readings;
use crate::{
    app::App,
    error::{Problem, Result},
    http::auth::Caller,
};

/// Prometheus' text format, in its words.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

type Text = ([(HeaderName, &'static str); 1], String);

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// What this instance counts, and what waits in the database, for Prometheus
///
/// `docs/reference/metrics.md` lists them. An API key with the scope `metrics:read` opens this and nothing else.
#[utoipa::path(get, path = "/metrics", tag = "monitoring",
    responses((status = 200, body = String, content_type = "text/plain"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 503, body = Problem)))]
async fn metrics(state: State<Arc<App>>, caller: Caller) -> Result<Text> {
    caller.require(Permission::ReadMetrics)?;
    open(state).await
}

/// The same for whoever asks.
pub(super) async fn open(State(app): State<Arc<App>>) -> Result<Text> {
    readings::take(&app).await?;
    Ok(([(header::CONTENT_TYPE, FORMAT)], app.metrics.render()))
}
