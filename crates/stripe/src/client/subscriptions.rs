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
    /// With its discounts, which cannot be asked for by themselves.
    pub async fn retrieve_subscription(
        &self,
        id: &SubscriptionId,
    ) -> Result<Fetched<Subscription>> {
        let expand = ["discounts.source.coupon", "discounts.promotion_code"];
        self.fetch_expanded(format!("/v1/subscriptions/{id}"), &expand).await
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
