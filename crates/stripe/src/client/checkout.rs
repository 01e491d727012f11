//! The pages Stripe has for customers: Checkout and the portal.

use crate::{
    client::{Client, Fetched, NO_PARAMS},
    error::Result,
    gateway::IdempotencyKey,
    id::{CheckoutSessionId, CustomerId},
    objects::{CheckoutSession, List, PortalConfiguration, PortalSession},
    params,
};

impl Client {
    pub async fn create_checkout_session(
        &self,
        params: &params::CreateCheckoutSession,
        key: &IdempotencyKey,
    ) -> Result<CheckoutSession> {
        self.post("/v1/checkout/sessions".into(), params, key).await
    }

    pub async fn retrieve_checkout_session(
        &self,
        id: &CheckoutSessionId,
    ) -> Result<Fetched<CheckoutSession>> {
        self.fetch(format!("/v1/checkout/sessions/{id}")).await
    }

    /// The customer's pages that can still be paid; the newest hundred.
    pub async fn list_open_checkout_sessions(
        &self,
        customer: &CustomerId,
    ) -> Result<List<CheckoutSession>> {
        let params =
            params::ListCheckoutSessions { customer: customer.clone(), status: "open", limit: 100 };
        self.get("/v1/checkout/sessions".into(), &params).await
    }

    /// Closes an open page. An error where it was paid or closed before.
    pub async fn expire_checkout_session(
        &self,
        id: &CheckoutSessionId,
        key: &IdempotencyKey,
    ) -> Result<CheckoutSession> {
        self.post(format!("/v1/checkout/sessions/{id}/expire"), &NO_PARAMS, key).await
    }

    pub async fn create_portal_configuration(
        &self,
        params: &params::CreatePortalConfiguration,
        key: &IdempotencyKey,
    ) -> Result<PortalConfiguration> {
        self.post("/v1/billing_portal/configurations".into(), params, key).await
    }

    pub async fn create_portal_session(
        &self,
        params: &params::CreatePortalSession,
        key: &IdempotencyKey,
    ) -> Result<PortalSession> {
        self.post("/v1/billing_portal/sessions".into(), params, key).await
    }
}
