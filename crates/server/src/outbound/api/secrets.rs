//! `POST …/webhook-endpoints/{id}/rotate-secret`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use tollhouse_domain::actor::Permission;
use utoipa::ToSchema;

use super::{EndpointPath, endpoints::WebhookEndpointWithSecret};
use crate::{
    app::App,
    error::{Problem, Result, invalid},
    http::{Work, auth::Caller, extract::JsonBody},
    outbound::actions,
};

const OVERLAP_HOURS: i64 = 24;
const OVERLAP_HOURS_MAX: i64 = 72;

/// How long the secret of before signs too.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// 0 to 72; 24 where absent. 0 for a secret that others know.
    overlap_hours: Option<i64>,
}

/// Give a webhook endpoint another secret
///
/// For a while both secrets sign, so that the receiver can change over without losing a message. A rotation
/// within that time ends the oldest one.
#[utoipa::path(post, path = "/api/v1/admin/webhook-endpoints/{id}/rotate-secret", tag = "webhook endpoints",
    params(("id" = String, Path)), request_body = RotateSecret,
    responses((status = 200, body = WebhookEndpointWithSecret), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<EndpointPath>,
    work: Work,
    body: JsonBody,
) -> Result<Json<WebhookEndpointWithSecret>> {
    caller.require(Permission::Operate)?;
    let id = id?.0;
    let request: RotateSecret = body.read()?;
    let hours = request.overlap_hours.unwrap_or(OVERLAP_HOURS);
    if !(0..=OVERLAP_HOURS_MAX).contains(&hours) {
        return Err(invalid("overlap_hours", "must be from 0 to 72"));
    }
    let row = actions::rotate_secret(&app, &caller.origin(), work.0, id, hours).await?;
    Ok(Json(WebhookEndpointWithSecret::of(row, app.clock.now())))
}
