//! Every call we make to Stripe, one method each.
//!
//! A method that changes something asks for an idempotency key: without one a broken connection
//! could not be repeated without doing the work twice.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    form,
    gateway::{Answer, Call, Failure, Gateway, IdempotencyKey, Method},
    id::{
        CheckoutSessionId, CustomerId, InvoiceId, PaymentMethodId, PriceId, ProductId,
        SubscriptionId,
    },
    objects::{
        CheckoutSession, Customer, Invoice, InvoicePreview, List, Meter, PaymentMethod,
        PortalConfiguration, PortalSession, Price, Product, SetupIntent, Subscription,
        WebhookEndpoint,
    },
    params, retry,
};

/// Calls Stripe through a gateway, repeats what may be repeated, and reads the answers.
#[derive(Clone)]
pub struct Client {
    gateway: Arc<dyn Gateway>,
    jitter: Arc<Mutex<fastrand::Rng>>,
}

/// An object as Stripe has it.
#[derive(Clone, Debug)]
pub struct Fetched<T> {
    pub object: T,
    /// The whole object as it came.
    pub raw: Box<RawValue>,
}

/// Nothing to send.
const NO_PARAMS: () = ();

impl Client {
    /// `seed` makes the jitter between retries; any number will do outside tests.
    pub fn new(gateway: Arc<dyn Gateway>, seed: u64) -> Self {
        Self { gateway, jitter: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))) }
    }

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

    pub async fn retrieve_customer(&self, id: &CustomerId) -> Result<Fetched<Customer>> {
        self.fetch(format!("/v1/customers/{id}")).await
    }

    /// The newest hundred of a customer.
    pub async fn list_payment_methods(&self, id: &CustomerId) -> Result<List<PaymentMethod>> {
        let params = params::ListPaymentMethods { limit: 100 };
        self.get(format!("/v1/customers/{id}/payment_methods"), &params).await
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

    pub async fn create_product(
        &self,
        params: &params::CreateProduct,
        key: &IdempotencyKey,
    ) -> Result<Product> {
        self.post("/v1/products".into(), params, key).await
    }

    pub async fn retrieve_product(&self, id: &ProductId) -> Result<Fetched<Product>> {
        self.fetch(format!("/v1/products/{id}")).await
    }

    pub async fn update_product(
        &self,
        id: &ProductId,
        params: &params::UpdateProduct,
        key: &IdempotencyKey,
    ) -> Result<Product> {
        self.post(format!("/v1/products/{id}"), params, key).await
    }

    pub async fn create_price(
        &self,
        params: &params::CreatePrice,
        key: &IdempotencyKey,
    ) -> Result<Price> {
        self.post("/v1/prices".into(), params, key).await
    }

    pub async fn retrieve_price(&self, id: &PriceId) -> Result<Fetched<Price>> {
        self.fetch(format!("/v1/prices/{id}")).await
    }

    /// One page, at most 100.
    pub async fn list_prices(&self, params: &params::ListPrices) -> Result<List<Price>> {
        self.get("/v1/prices".into(), params).await
    }

    pub async fn create_meter(
        &self,
        params: &params::CreateMeter,
        key: &IdempotencyKey,
    ) -> Result<Meter> {
        self.post("/v1/billing/meters".into(), params, key).await
    }

    /// The newest hundred active meters.
    pub async fn list_meters(&self) -> Result<List<Meter>> {
        let params = params::ListMeters { status: "active", limit: 100 };
        self.get("/v1/billing/meters".into(), &params).await
    }

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
        let path = format!("/v1/subscriptions/{id}");
        let params = flatten(&path, params)?;
        let call =
            Call { method: Method::Delete, params, path, idempotency_key: Some(key.clone()) };
        let answer = self.send(&call).await?;
        read(&call, &answer)
    }

    pub async fn retrieve_invoice(&self, id: &InvoiceId) -> Result<Fetched<Invoice>> {
        self.fetch(format!("/v1/invoices/{id}")).await
    }

    /// What would be asked; nothing is changed, so that any key will do.
    pub async fn preview_invoice(
        &self,
        params: &params::PreviewInvoice,
        key: &IdempotencyKey,
    ) -> Result<InvoicePreview> {
        self.post("/v1/invoices/create_preview".into(), params, key).await
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

    pub async fn create_webhook_endpoint(
        &self,
        params: &params::CreateWebhookEndpoint,
        key: &IdempotencyKey,
    ) -> Result<WebhookEndpoint> {
        self.post("/v1/webhook_endpoints".into(), params, key).await
    }

    async fn get<T: DeserializeOwned>(&self, path: String, params: &impl Serialize) -> Result<T> {
        let call = Call {
            method: Method::Get,
            params: flatten(&path, params)?,
            path,
            idempotency_key: None,
        };
        let answer = self.send(&call).await?;
        read(&call, &answer)
    }

    async fn fetch<T: DeserializeOwned>(&self, path: String) -> Result<Fetched<T>> {
        let call = Call { method: Method::Get, params: vec![], path, idempotency_key: None };
        let answer = self.send(&call).await?;
        Ok(Fetched { object: read(&call, &answer)?, raw: read(&call, &answer)? })
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: String,
        params: &impl Serialize,
        key: &IdempotencyKey,
    ) -> Result<T> {
        let params = flatten(&path, params)?;
        let call = Call { method: Method::Post, params, path, idempotency_key: Some(key.clone()) };
        let answer = self.send(&call).await?;
        read(&call, &answer)
    }

    /// Sends, and repeats while that is safe and may help.
    async fn send(&self, call: &Call) -> Result<Answer> {
        let mut call = Cow::Borrowed(call);
        let mut attempt = 1;
        loop {
            let outcome = self.gateway.send(&call).await;
            if retry::is_kept_failure(&outcome) {
                // Under this key Stripe would give the same failure for a day.
                let again = call.idempotency_key.as_ref().map(IdempotencyKey::again);
                call.to_mut().idempotency_key = again;
            }
            let wait = {
                let mut jitter = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
                retry::wait_before_retry(&call, &outcome, attempt, &mut jitter)
            };
            let Some(wait) = wait else { return answered(outcome) };
            tracing::warn!(
                stripe.path = call.path,
                stripe.attempt = attempt,
                "Stripe did not answer as it should; trying again"
            );
            pause(wait).await;
            attempt += 1;
        }
    }
}

fn answered(outcome: Result<Answer, Failure>) -> Result<Answer> {
    let answer = outcome?;
    if (200..300).contains(&answer.status) { Ok(answer) } else { Err(Error::from_answer(&answer)) }
}

fn flatten(path: &str, params: &impl Serialize) -> Result<Vec<(String, String)>> {
    form::flatten(params).map_err(|source| Error::Unexpected { path: path.to_owned(), source })
}

fn read<T: DeserializeOwned>(call: &Call, answer: &Answer) -> Result<T> {
    serde_json::from_slice(&answer.body)
        .map_err(|source| Error::Unexpected { path: call.path.clone(), source })
}

#[expect(clippy::disallowed_methods, reason = "the one pause between attempts, bounded by `retry`")]
async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}
