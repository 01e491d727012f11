//! Where Stripe sends events.

use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct CreateWebhookEndpoint {
    pub url: String,
    pub enabled_events: Vec<String>,
    pub api_version: String,
}
