//! Where Stripe sends events: verify, store, answer. The work comes later.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
};
use sha2::{Digest, Sha256};
use tollhouse_domain::id::DeliveryId;
use tollhouse_stripe::{Event, EventId, signature};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    dispatch,
    queries::{Received, State as DeliveryState},
};
use crate::{
    app::App,
    error::{Error, Problem, Result, not_found},
    http::extract::read_body,
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(receive)).routes(routes!(receive_at_second_path))
}

/// Take a delivery of Stripe's; the signature is the credential
///
/// 200 means that it is stored durably. 404 where no signing secret is set; 400 for a signature that is
/// wrong or older than five minutes; 503 where it could not be stored, so that Stripe sends it again.
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
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let now = app.clock.now();
    signature::verify(&body, header.unwrap_or_default(), &secrets, now.as_second())
        .map_err(Error::InvalidSignature)?;
    app.intake.store(received(app, body)).await?;
    Ok(StatusCode::OK)
}

/// The delivery as it goes into the ledger. What is signed and cannot be read is kept too, for a person:
/// Stripe would only send the same again.
fn received(app: &App, body: Bytes) -> Received {
    let now = app.clock.now();
    let id = DeliveryId::from_uuid(app.clock.new_id());
    let event = Event::parse(&body).ok();
    let Some(event) = event.filter(|event| is_plain(event.id.as_str()) && is_plain(&event.r#type))
    else {
        return Received {
            id,
            stripe_event_id: EventId::new(format!(
                "unreadable-{}",
                hex::encode(Sha256::digest(&body))
            )),
            event_type: "unreadable".to_owned(),
            event_created: now.as_second(),
            object_id: None,
            customer_id: None,
            payload: body.into(),
            received_at: now,
            state: DeliveryState::Dead,
            reason: Some("the body is signed, but it is no event we can read"),
        };
    };
    let customer_id = event.data.object.customer().filter(|id| is_plain(id));
    let object_id = event.data.object.subject().filter(|id| is_plain(id));
    let concerns_us = object_id.is_some() && dispatch::target(&event.r#type).is_some();
    let (state, reason) = if concerns_us {
        (DeliveryState::Received, None)
    } else {
        (DeliveryState::Ignored, Some("the type is none of ours"))
    };
    Received {
        id,
        stripe_event_id: event.id,
        event_type: event.r#type,
        event_created: event.created,
        object_id,
        customer_id,
        payload: body.into(),
        received_at: now,
        state,
        reason,
    }
}

/// What an index can hold and a log may show.
fn is_plain(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
