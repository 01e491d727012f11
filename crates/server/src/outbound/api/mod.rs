//! Webhook endpoints over HTTP, for operators.

mod deliveries;
mod endpoints;
mod secrets;

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use tollhouse_domain::id::{EventId, WebhookEndpointId};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::{Error, not_found},
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::show, endpoints::update, endpoints::remove))
        .routes(routes!(secrets::rotate))
        .routes(routes!(deliveries::test))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::redeliver))
}

/// The endpoint of a path. What is not a UUID does not exist.
struct EndpointPath(WebhookEndpointId);

impl FromRequestParts<Arc<App>> for EndpointPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let text = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| not_found("webhook endpoint", "(not readable)"))?;
        text.parse().map(Self).map_err(|_| not_found("webhook endpoint", &text.0))
    }
}

/// The endpoint and the event of a path.
struct DeliveryPath(WebhookEndpointId, EventId);

impl FromRequestParts<Arc<App>> for DeliveryPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let Path((endpoint, event)) = Path::<(String, String)>::from_request_parts(parts, app)
            .await
            .map_err(|_| not_found("delivery", "(not readable)"))?;
        let endpoint = endpoint.parse().map_err(|_| not_found("webhook endpoint", &endpoint))?;
        let event = event.parse().map_err(|_| not_found("delivery", &event))?;
        Ok(Self(endpoint, event))
    }
}
