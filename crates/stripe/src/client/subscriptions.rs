//! Subscriptions.

use crate::{
    client::{Client, Fetched},
    error::Result,
    gateway::IdempotencyKey,
    id::SubscriptionId,
    objects::Subscription,
    params,
};

impl Client {
    pub async fn retrieve_subscription(
        &self,
        id: &SubscriptionId,
    ) -> Result<Fetched<Subscription>> {
        self.fetch(format!("/v1/subscriptions/{id}")).await
    }

    pub async fn update_subscription(
        &self,
        id: &SubscriptionId,
        params: &params::UpdateSubscription,
        key: &IdempotencyKey,
    ) -> Result<Subscription> {
        self.post(format!("/v1/subscriptions/{id}"), params, key).await
    }

    /// Ends it now. An error where it is over already.
    pub async fn cancel_subscription(
        &self,
        id: &SubscriptionId,
        params: &params::CancelSubscription,
        key: &IdempotencyKey,
    ) -> Result<Subscription> {
        self.delete(format!("/v1/subscriptions/{id}"), params, key).await
    }
}
