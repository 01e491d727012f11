//! Webhook endpoints: where Stripe sends events.

use serde::Deserialize;

use crate::id::WebhookEndpointId;

#[derive(Clone, Debug, Deserialize)]
pub struct WebhookEndpoint {
    pub id: WebhookEndpointId,
    pub url: String,
    #[serde(default)]
    pub enabled_events: Vec<String>,
    /// The version its events are written in; the account's own where absent.
    #[serde(default)]
    pub api_version: Option<String>,
    /// `enabled` or `disabled`
    #[serde(default)]
    pub status: String,
    /// `whsec_…`, only in the answer that creates the endpoint.
    #[serde(default)]
    pub secret: Option<String>,
}
