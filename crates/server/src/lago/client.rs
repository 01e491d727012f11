//! One request to Lago: bounded in time and size, and what its answer means for each event.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::LagoEvent;
use crate::config;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(20);
/// Of an answer no more is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Lago's word for a transaction that it has.
const KNOWN: &str = "value_already_exist";

/// The way to Lago.
#[derive(Clone)]
pub struct Lago {
    http: reqwest::Client,
    batch_url: String,
    api_key: config::Secret,
}

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Lago has all of it.
    Taken,
    /// Lago took none of it, because of these.
    Objections { known: BTreeSet<usize>, refused: BTreeMap<usize, String> },
    /// It may be taken later.
    NotNow(String),
}

#[derive(Serialize)]
struct Batch<'a> {
    events: &'a [&'a LagoEvent],
}

/// The body of a 422.
#[derive(Default, Deserialize)]
struct Unprocessable {
    #[serde(default)]
    error_details: BTreeMap<String, Value>,
}

impl Lago {
    /// `None` where no Lago is configured.
    ///
    /// # Errors
    /// Where TLS cannot be set up on this machine.
    pub fn configured(config: &config::Lago) -> anyhow::Result<Option<Self>> {
        let (Some(url), Some(key)) = (&config.api_url, &config.api_key) else { return Ok(None) };
        // Fails only where another part of the process has chosen a provider already: just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("Tollhouse/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("the way to Lago could not be set up")?;
        // Some write the address of the API, some that of the server.
        let base = url.trim_end_matches('/').trim_end_matches("/api/v1");
        let batch_url = format!("{base}/api/v1/events/batch");
        Ok(Some(Self { http, batch_url, api_key: key.clone() }))
    }

    /// Sends up to a hundred events, once.
    pub(super) async fn send(&self, events: &[&LagoEvent]) -> Answer {
        let Ok(body) = serde_json::to_vec(&Batch { events }) else {
            return Answer::NotNow("the events cannot be written".to_owned());
        };
        let request = self
            .http
            .post(&self.batch_url)
            .bearer_auth(self.api_key.expose())
            .header("content-type", "application/json")
            .body(body);
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return Answer::NotNow(format!("Lago did not answer: {}", error.without_url()));
            }
        };
        let status = response.status();
        if status.is_success() {
            return Answer::Taken;
        }
        if status.as_u16() != 422 {
            return Answer::NotNow(format!("Lago answered {}", status.as_u16()));
        }
        let mut answer = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            answer.extend_from_slice(&chunk);
            if answer.len() > ANSWER_BYTES_MAX {
                break;
            }
        }
        objections(&answer, events.len())
    }
}

/// Of a batch that Lago did not take, what it says of which event.
fn objections(answer: &[u8], events: usize) -> Answer {
    let said: Unprocessable = serde_json::from_slice(answer).unwrap_or_default();
    let (mut known, mut refused) = (BTreeSet::new(), BTreeMap::new());
    for (index, problem) in said.error_details {
        let Some(index) = index.parse().ok().filter(|index| *index < events) else { continue };
        if problem.get("transaction_id").is_some_and(|codes| codes.to_string().contains(KNOWN)) {
            known.insert(index);
        } else {
            refused.insert(index, problem.to_string());
        }
    }
    if known.is_empty() && refused.is_empty() {
        return Answer::NotNow("Lago answered 422 and names no event".to_owned());
    }
    Answer::Objections { known, refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lagos_objections_are_read_by_event() {
        let body = br#"{"status": 422, "error": "Unprocessable Entity", "code": "validation_errors", "error_details":
            {"0": {"transaction_id": ["value_already_exist"]}, "2": {"code": ["value_is_mandatory"]},
             "9": {"code": ["value_is_mandatory"]}}}"#;
        let refused = [(2, r#"{"code":["value_is_mandatory"]}"#.to_owned())].into();
        assert_eq!(objections(body, 3), Answer::Objections { known: [0].into(), refused });
        for body in ["", "{}", "[]", r#"{"error_details": {"x": {}}}"#] {
            assert!(matches!(objections(body.as_bytes(), 3), Answer::NotNow(_)), "{body}");
        }
    }
}
