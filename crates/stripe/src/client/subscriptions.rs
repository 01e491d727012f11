//! Subscriptions.

use crate::{
    client::{Client, Fetched},
    error::Result,
    gateway::IdempotencyKey,
    id::{CustomerId, SubscriptionId},
    objects::{List, StartedSubscription, Subscription},
    params,
};

/// Discounts cannot be asked for by themselves, nor can what it is charged to.
pub(super) const SHOWN: [&str; 4] = [
    "default_payment_method",
    "customer.invoice_settings.default_payment_method",
    "discounts.source.coupon",
    "discounts.promotion_code",
];

impl Client {
    /// Begins a subscription, and charges its first invoice.
    pub async fn create_subscription(
        &self,
        params: &params::CreateSubscription,
        key: &IdempotencyKey,
    ) -> Result<Subscription> {
        self.post("/v1/subscriptions".into(), params, key).await
    }

    /// With its discounts, which cannot be asked for by themselves, and what it is charged to.
    pub async fn retrieve_subscription(
        &self,
        id: &SubscriptionId,
    ) -> Result<Fetched<Subscription>> {
        self.fetch_expanded(format!("/v1/subscriptions/{id}"), &SHOWN).await
    }

    /// With what its customer may still have to confirm.
    pub async fn retrieve_started_subscription(
        &self,
        id: &SubscriptionId,
    ) -> Result<StartedSubscription> {
        let path = format!("/v1/subscriptions/{id}");
        Ok(self.fetch_expanded(path, &StartedSubscription::EXPAND).await?.object)
    }

    /// The customer's, but for those that are canceled; the newest hundred.
    pub async fn list_subscriptions(&self, customer: &CustomerId) -> Result<List<Subscription>> {
        let params = params::ListSubscriptions { customer: customer.clone(), limit: 100 };
        self.get("/v1/subscriptions".into(), &params).await
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

    pub async fn pause_subscription(
        &self,
        id: &SubscriptionId,
        params: &params::PauseSubscription,
        key: &IdempotencyKey,
    ) -> Result<Subscription> {
        self.post(format!("/v1/subscriptions/{id}/pause"), params, key).await
    }

    pub async fn resume_subscription(
        &self,
        id: &SubscriptionId,
        params: &params::ResumeSubscription,
        key: &IdempotencyKey,
    ) -> Result<Subscription> {
        self.post(format!("/v1/subscriptions/{id}/resume"), params, key).await
    }
}
