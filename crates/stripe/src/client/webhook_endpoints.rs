//! Where Stripe sends events.

use crate::{
    client::Client,
    error::Result,
    gateway::{Call, IdempotencyKey, Method},
    objects::WebhookEndpoint,
    params,
};

const PATH: &str = "/v1/webhook_endpoints";
/// Stripe allows sixteen.
const MAX: usize = 100;

impl Client {
    pub async fn create_webhook_endpoint(
        &self,
        params: &params::CreateWebhookEndpoint,
        key: &IdempotencyKey,
    ) -> Result<WebhookEndpoint> {
        self.post(PATH.into(), params, key).await
    }

    /// Every endpoint of the account.
    pub async fn list_webhook_endpoints(&self) -> Result<Vec<WebhookEndpoint>> {
        self.list_all(PATH, &(), MAX).await
    }

    /// What time it is by the `Date` of an answer, as HTTP writes it: `Sat, 21 Nov 2026 15:10:48 GMT`.
    pub async fn date(&self) -> Result<Option<String>> {
        let params = vec![("limit".to_owned(), "1".to_owned())];
        let call = Call { method: Method::Get, path: PATH.into(), params, idempotency_key: None };
        Ok(self.send(&call).await?.header("date").map(str::to_owned))
    }
}
