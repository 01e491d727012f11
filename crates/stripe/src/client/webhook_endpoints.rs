//! Where Stripe sends events.

use crate::{
    client::Client, error::Result, gateway::IdempotencyKey, objects::WebhookEndpoint, params,
};

impl Client {
    pub async fn create_webhook_endpoint(
        &self,
        params: &params::CreateWebhookEndpoint,
        key: &IdempotencyKey,
    ) -> Result<WebhookEndpoint> {
        self.post("/v1/webhook_endpoints".into(), params, key).await
    }
}
