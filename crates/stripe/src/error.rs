//! What can go wrong with a call, sorted by what the caller can do about it.

use serde::Deserialize;

use crate::gateway::{Answer, Failure};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A call that did not give what was asked for.
///
/// Stripe's own messages are kept for the log; they are not written for customers, except a decline.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The card or bank said no (402). `decline_code` is the reason in Stripe's words.
    #[error("declined: {message} ({decline_code})")]
    Declined { message: String, decline_code: String },
    /// The object does not exist (404, `resource_missing`).
    #[error("missing: {0}")]
    Missing(String),
    /// Stripe refuses the parameters, or the object's state does not allow it (400).
    #[error("invalid: {message} (code {code}, parameter {param})")]
    Invalid { message: String, code: String, param: String },
    /// The key is wrong or may not do this (401, 403).
    #[error("unauthorized: {0}")]
    Unauthorized(String),
    /// The same idempotency key is in flight, or was used with other parameters (409, `idempotency_error`).
    #[error("idempotency: {0}")]
    Idempotency(String),
    /// Too many requests (429), still after the retries.
    #[error("rate limited by Stripe: {0}")]
    Limited(String),
    /// Stripe is down, unreachable or too slow, still after the retries.
    #[error("Stripe is unavailable: {0}")]
    Unavailable(String),
    /// The answer is not what the API promises.
    #[error("unexpected answer to {path}: {source}")]
    Unexpected { path: String, source: serde_json::Error },
    /// A list is longer than we take in. Nothing of it is believed: a part would look like the whole.
    #[error("{path} has more than {max} entries, and that many are not taken in")]
    TooMany { path: String, max: usize },
    /// No key is set.
    #[error("Stripe is not configured")]
    Unconfigured,
}

/// The body of an error answer: `{"error": {…}}`. Every field may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    error: Body,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    r#type: String,
    code: String,
    decline_code: String,
    message: String,
    param: String,
}

impl Error {
    /// Reads an answer whose status is not 2xx.
    pub(crate) fn from_answer(answer: &Answer) -> Self {
        let body = serde_json::from_slice::<Envelope>(&answer.body).unwrap_or_default().error;
        let message = match answer.header("request-id") {
            Some(request) => format!("{} [{} {request}]", body.message, answer.status),
            None => format!("{} [{}]", body.message, answer.status),
        };
        if body.r#type == "idempotency_error" {
            return Self::Idempotency(message);
        }
        match answer.status {
            402 => {
                let decline_code =
                    if body.decline_code.is_empty() { body.code } else { body.decline_code };
                Self::Declined { message: body.message, decline_code }
            }
            401 | 403 => Self::Unauthorized(message),
            404 => Self::Missing(message),
            409 => Self::Idempotency(message),
            429 => Self::Limited(message),
            400..500 if body.code == "resource_missing" => Self::Missing(message),
            400..500 if body.code == "rate_limit" => Self::Limited(message),
            400..500 => Self::Invalid { message, code: body.code, param: body.param },
            _ => Self::Unavailable(message),
        }
    }

    /// `true` where the same call may succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            // A wrong or missing key may be corrected: the work waits for it and is not lost.
            Self::Limited(_)
            | Self::Unavailable(_)
            | Self::Idempotency(_)
            | Self::Unauthorized(_)
            | Self::Unconfigured => true,
            Self::Declined { .. }
            | Self::Missing(_)
            | Self::Invalid { .. }
            | Self::Unexpected { .. }
            | Self::TooMany { .. } => false,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(why) => Self::Unavailable(why),
            Failure::Unconfigured => Self::Unconfigured,
        }
    }
}
