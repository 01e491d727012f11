//! Where Stripe sends events: verify, store, answer. The work comes later.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
};
use tollhouse_domain::{id::DeliveryId, time::Timestamp};
use tollhouse_stripe::signature;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{State as DeliveryState, queries::Received, sort::sort};
use crate::{
    app::App,
    error::{Error, Problem, Result, not_found},
    http::extract::read_body,
};

/// What is kept of the name a sender gives itself.
const USER_AGENT_MAX: usize = 255;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(receive)).routes(routes!(receive_at_second_path))
}

/// Take a delivery of Stripe's; the signature is the credential
///
/// 200 means that it is stored durably. 404 where no signing secret is set; 400 for a signature that is
/// wrong, or more than five minutes away from our clock (the answer says by how much); 503 where it could not be stored, so that Stripe sends it again.
#[utoipa::path(post, path = "/webhook/stripe", tag = "webhooks",
    request_body(content = String, content_type = "application/json"),
    responses((status = 200), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn receive(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode> {
    store(&app, &headers, request).await
}

/// The same under another path
#[utoipa::path(post, path = "/api/v1/stripe/webhooks", tag = "webhooks",
    request_body(content = String, content_type = "application/json"),
    responses((status = 200), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn receive_at_second_path(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode> {
    store(&app, &headers, request).await
}

async fn store(app: &Arc<App>, headers: &HeaderMap, request: Request) -> Result<StatusCode> {
    let secrets: Vec<&str> =
        app.config.stripe.webhook_secret.iter().map(crate::config::Secret::expose).collect();
    if secrets.is_empty() {
        return Err(not_found("webhook endpoint", "while `STRIPE_WEBHOOK_SECRET` is not set"));
    }
    let body = read_body(request, app).await?;
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let now = app.clock.now();
    let signature = header("stripe-signature").unwrap_or_default();
    let signed_at = signature::verify(&body, signature, &secrets, now.as_second())
        .map_err(Error::InvalidSignature)?;
    let id = DeliveryId::from_uuid(app.clock.new_id());
    let sorted = sort(&body, now);
    if sorted.state == DeliveryState::Dead {
        tracing::error!(delivery.id = %id, delivery.type = sorted.event_type, reason = sorted.reason,
            "a delivery waits for a person");
    }
    let received = Received {
        id,
        sorted,
        signed_at: Timestamp::from_second(signed_at),
        user_agent: header("user-agent").map(|name| name.chars().take(USER_AGENT_MAX).collect()),
        payload: body.into(),
        received_at: now,
    };
    app.intake.store(received).await?;
    Ok(StatusCode::OK)
}
