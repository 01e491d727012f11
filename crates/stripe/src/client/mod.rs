//! Every call we make to Stripe, one method each.
//!
//! A method that changes something asks for an idempotency key: without one a broken connection
//! could not be repeated without doing the work twice.
//!
//! One file per subject; here is what carries them all.

mod catalog;
mod checkout;
mod credit_notes;
mod customers;
mod discounts;
mod invoices;
mod meters;
mod pages;
mod payments;
mod ranges;
mod schedules;
mod subscriptions;
mod walks;
mod webhook_endpoints;

pub use walks::Collection;

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
    pace::Paced,
    retry,
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

/// What is to come as a whole object instead of its id.
#[derive(Serialize)]
struct Expand<'a> {
    expand: &'a [&'a str],
}

impl Client {
    /// `seed` makes the jitter between retries; any number will do outside tests.
    pub fn new(gateway: Arc<dyn Gateway>, seed: u64) -> Self {
        Self { gateway, jitter: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))) }
    }

    /// The same, with at most so many calls a second, retries included; 0 for no limit.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn paced(&self, calls_per_second: u32) -> Self {
        if calls_per_second == 0 {
            return self.clone();
        }
        let gateway = Arc::new(Paced::new(Arc::clone(&self.gateway), calls_per_second));
        Self { gateway, jitter: Arc::clone(&self.jitter) }
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
        self.fetch_expanded(path, &[]).await
    }

    async fn fetch_expanded<T: DeserializeOwned>(
        &self,
        path: String,
        expand: &[&str],
    ) -> Result<Fetched<T>> {
        let params = flatten(&path, &Expand { expand })?;
        let call = Call { method: Method::Get, params, path, idempotency_key: None };
        let answer = self.send(&call).await?;
        Ok(Fetched { object: read(&call, &answer)?, raw: read(&call, &answer)? })
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: String,
        params: &impl Serialize,
        key: &IdempotencyKey,
    ) -> Result<T> {
        self.change(Method::Post, path, params, key).await
    }

    async fn delete<T: DeserializeOwned>(
        &self,
        path: String,
        params: &impl Serialize,
        key: &IdempotencyKey,
    ) -> Result<T> {
        self.change(Method::Delete, path, params, key).await
    }

    async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        params: &impl Serialize,
        key: &IdempotencyKey,
    ) -> Result<T> {
        let params = flatten(&path, params)?;
        let call = Call { method, params, path, idempotency_key: Some(key.clone()) };
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
