//! Alive, ready, and which part is not.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, error::Error};

/// What a load balancer wants to know.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`
    pub status: &'static str,
    /// `sqlite` or `postgres`
    pub database: &'static str,
    /// Whether a Stripe key is set.
    pub stripe_configured: bool,
}

/// The process runs.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = String)))]
pub async fn live() -> &'static str {
    "ok"
}

/// The process can work: its database answers.
#[utoipa::path(get, path = "/health/ready", tag = "health",
    responses((status = 200, body = Health), (status = 503, body = crate::error::Problem)))]
pub async fn ready(State(app): State<Arc<App>>) -> Result<Json<Health>, Error> {
    let mut conn =
        app.db.read().await.map_err(|_| Error::Unavailable("the database does not answer"))?;
    super::queries::ping(&mut conn)
        .await
        .map_err(|_| Error::Unavailable("the database does not answer"))?;
    Ok(Json(Health {
        status: "ok",
        database: app.db.kind(),
        stripe_configured: app.config.stripe.secret_key.is_some(),
    }))
}
