//! Customers, and the cards they pay with.

use serde::Serialize;

use crate::{
    client::{Client, Fetched, NO_PARAMS},
    error::Result,
    gateway::IdempotencyKey,
    id::{CustomerId, PaymentMethodId},
    objects::{Customer, List, Metadata, PaymentMethod, SetupIntent},
    params,
};

impl Client {
    pub async fn create_customer(
        &self,
        params: &params::CreateCustomer,
        key: &IdempotencyKey,
    ) -> Result<Customer> {
        self.post("/v1/customers".into(), params, key).await
    }

    pub async fn update_customer(
        &self,
        id: &CustomerId,
        params: &params::UpdateCustomer,
        key: &IdempotencyKey,
    ) -> Result<Customer> {
        self.post(format!("/v1/customers/{id}"), params, key).await
    }

    /// Writes these keys; what else the customer bears stays.
    pub async fn set_customer_metadata(
        &self,
        id: &CustomerId,
        metadata: &Metadata,
        key: &IdempotencyKey,
    ) -> Result<Customer> {
        #[derive(Serialize)]
        struct SetMetadata<'a> {
            metadata: &'a Metadata,
        }
        self.post(format!("/v1/customers/{id}"), &SetMetadata { metadata }, key).await
    }

    pub async fn retrieve_customer(&self, id: &CustomerId) -> Result<Fetched<Customer>> {
        self.fetch(format!("/v1/customers/{id}")).await
    }

    /// The newest hundred of a customer.
    pub async fn list_payment_methods(&self, id: &CustomerId) -> Result<List<PaymentMethod>> {
        let params = params::ListPaymentMethods { limit: 100 };
        self.get(format!("/v1/customers/{id}/payment_methods"), &params).await
    }

    pub async fn retrieve_payment_method(&self, id: &PaymentMethodId) -> Result<PaymentMethod> {
        self.get(format!("/v1/payment_methods/{id}"), &NO_PARAMS).await
    }

    /// Takes a card from its customer, for good.
    pub async fn detach_payment_method(
        &self,
        id: &PaymentMethodId,
        key: &IdempotencyKey,
    ) -> Result<PaymentMethod> {
        self.post(format!("/v1/payment_methods/{id}/detach"), &NO_PARAMS, key).await
    }

    pub async fn create_setup_intent(
        &self,
        params: &params::CreateSetupIntent,
        key: &IdempotencyKey,
    ) -> Result<SetupIntent> {
        self.post("/v1/setup_intents".into(), params, key).await
    }
}
