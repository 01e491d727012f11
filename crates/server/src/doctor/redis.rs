//! Redis, where one is set: does it answer?

use super::Finding;
use crate::{config::Config, events::copy::ping};

/// A finding for each Redis that the settings name.
pub async fn examine(config: &Config) -> Vec<Finding> {
    const REMEDY: &str = "See that it runs and that the URL is right; meanwhile streams of other instances wake late.";
    let mut findings = Vec::new();
    for (check, url) in
        [("redis", &config.redis.url), ("redis for events", &config.redis.events_url)]
    {
        let Some(url) = url else { continue };
        findings.push(match ping(url.expose()).await {
            Ok(()) => Finding::ok(check, "It answers."),
            Err(error) => Finding::problem(check, format!("It does not answer: {error}."), REMEDY),
        });
    }
    findings
}
