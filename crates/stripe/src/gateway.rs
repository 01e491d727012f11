//! How one call reaches Stripe, whoever carries it.

use std::{fmt, future::Future, pin::Pin};

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::form;

/// A future that can be sent to another thread; what object-safe async methods return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries calls to Stripe, or to something that behaves like it.
///
/// One attempt per `send`: repeating is [`crate::Client`]'s decision, so that every gateway is
/// repeated by the same rules.
pub trait Gateway: Send + Sync {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>>;
}

/// The three verbs Stripe's API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// One request, before it is put on a wire.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    /// From the root, with the version: `/v1/customers`.
    pub path: String,
    /// Flattened form parameters: `("items[0][price]", "price_1")`.
    pub params: Vec<(String, String)>,
    pub idempotency_key: Option<IdempotencyKey>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ::http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// A header as text; `None` where it is missing or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Why there is no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection, a broken one, or no answer in time. Stripe may or may not have done the work.
    #[error("Stripe did not answer: {0}")]
    Unreachable(String),
    /// No key is set, so there is nobody to call.
    #[error("Stripe is not configured")]
    Unconfigured,
}

/// Makes a POST safe to repeat, also by another process after a crash.
///
/// Made of our own stable id and the verb: the same intention gives the same key. A fresh id will do only
/// where repeating the work does no harm.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// `verb` says what is done, `id` to what: `IdempotencyKey::new("create-customer", tenant_id)`.
    pub fn new(verb: &str, id: impl fmt::Display) -> Self {
        Self(format!("{verb}-{id}"))
    }

    /// As [`Self::new`], for these parameters alone: with others it is another key.
    ///
    /// For work whose parameters may be others when it is repeated (a moment, a card that was chosen
    /// meanwhile), which Stripe would refuse for a day. Whoever repeats it looks first for what an earlier
    /// attempt has left behind.
    pub fn of(verb: &str, id: impl fmt::Display, params: &impl Serialize) -> Self {
        let params = form::flatten(params).unwrap_or_default();
        let mut hash = Sha256::new();
        for (name, value) in params {
            hash.update(format!("{name}={value}\n"));
        }
        let digest = hash.finalize();
        let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{verb}-{id}-{short}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key under which to ask once more when Stripe has kept a failure of its own under this one.
    pub(crate) fn again(&self) -> Self {
        Self(format!("{}-again", self.0))
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
