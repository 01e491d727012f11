//! What Stripe says: does it know the key, does it tell us what we have to know, is its time ours.

use tollhouse_domain::time::Timestamp;
use tollhouse_stripe::{API_VERSION, Client, objects::WebhookEndpoint};

use super::{Finding, time};
use crate::{Clock, webhooks::dispatch};

const ENDPOINT: &str = "webhook endpoint";
/// Where the service takes Stripe's webhooks.
const PATHS: [&str; 2] = ["/webhook/stripe", "/api/v1/stripe/webhooks"];
/// So many types are named; of more, how many.
const NAMED_MAX: usize = 5;

/// `url` is where the webhooks are to arrive, where that is known.
pub async fn examine(stripe: &Client, clock: &Clock, url: Option<&str>) -> Vec<Finding> {
    const CHECK: &str = "stripe";
    let date = match stripe.date().await {
        Ok(date) => date,
        Err(error) => {
            let remedy = "See that this machine reaches Stripe, and that the key is right and may read webhook endpoints.";
            return vec![Finding::problem(
                CHECK,
                format!("Stripe does not answer as it should: {error}."),
                remedy,
            )];
        }
    };
    let mut findings = vec![Finding::ok(CHECK, "Stripe answers, and knows the key.")];
    if let Some(theirs) = date.as_deref().and_then(Timestamp::from_http_date) {
        findings.push(time::compare("stripe clock", "Stripe's", theirs, clock.now()));
    }
    match stripe.list_webhook_endpoints().await {
        Ok(endpoints) => findings.extend(judge(&endpoints, url)),
        Err(error) => findings.push(Finding::problem(
            ENDPOINT,
            format!("Stripe does not show its webhook endpoints: {error}."),
            "Give the key the right to read webhook endpoints.",
        )),
    }
    findings
}

fn judge(endpoints: &[WebhookEndpoint], url: Option<&str>) -> Vec<Finding> {
    let is_ours = |endpoint: &&WebhookEndpoint| match url {
        Some(url) => endpoint.url == url,
        None => PATHS.iter().any(|path| endpoint.url.ends_with(path)),
    };
    let ours: Vec<_> = endpoints.iter().filter(is_ours).collect();
    let place =
        url.map_or_else(|| format!("a URL that ends in `{}`", PATHS[0]), |url| format!("`{url}`"));
    if ours.is_empty() {
        return vec![Finding::problem(
            ENDPOINT,
            format!("Stripe has no webhook endpoint at {place}, so it tells us nothing."),
            format!("Register one at Stripe, in version `{API_VERSION}`, for {}.", all_types()),
        )];
    }
    let enabled: Vec<_> =
        ours.into_iter().filter(|endpoint| endpoint.status != "disabled").collect();
    let Some(first) = enabled.first() else {
        return vec![Finding::problem(
            ENDPOINT,
            format!(
                "Stripe has switched off the webhook endpoint at {place}, so it tells us nothing."
            ),
            "Enable it at Stripe, then run `tollhouse reconcile`: it finds what was missed.",
        )];
    };
    let registered = Finding::ok(ENDPOINT, format!("Stripe tells `{}`.", first.url));
    vec![registered, events(&enabled), version(&enabled)]
}

fn events(endpoints: &[&WebhookEndpoint]) -> Finding {
    const CHECK: &str = "webhook event types";
    let is_told = |kind: &str| {
        endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.enabled_events)
            .any(|known| known == "*" || known == kind)
    };
    let missing: Vec<&str> =
        dispatch::TYPES.iter().map(|(kind, _)| *kind).filter(|kind| !is_told(kind)).collect();
    if missing.is_empty() {
        return Finding::ok(CHECK, format!("All {} that concern us.", dispatch::TYPES.len()));
    }
    let named = missing.iter().take(NAMED_MAX).map(|kind| format!("`{kind}`"));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match missing.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let means = format!(
        "We are not told of {named}{more}: what they say is learnt only later, by comparing."
    );
    Finding::problem(
        CHECK,
        means,
        format!("Add to the endpoint at Stripe: {}.", missing.join(", ")),
    )
}

fn version(endpoints: &[&WebhookEndpoint]) -> Finding {
    const CHECK: &str = "webhook api version";
    let other =
        endpoints.iter().find(|endpoint| endpoint.api_version.as_deref() != Some(API_VERSION));
    let Some(other) = other else {
        return Finding::ok(CHECK, format!("`{API_VERSION}`."));
    };
    let version = other.api_version.as_deref().map_or_else(
        || "the account's own version, which may be any".to_owned(),
        |version| format!("version `{version}`"),
    );
    Finding::warning(
        CHECK,
        format!("`{}` is told in {version}; this release reads `{API_VERSION}`.", other.url),
        format!(
            "A version cannot be changed: register a second endpoint in `{API_VERSION}`, add its secret to \
            `STRIPE_WEBHOOK_SECRET`, then delete the first."
        ),
    )
}

fn all_types() -> String {
    dispatch::TYPES.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::Verdict::{self, Ok, Problem, Warning};

    fn endpoint(
        url: &str,
        status: &str,
        events: &[&str],
        version: Option<&str>,
    ) -> WebhookEndpoint {
        serde_json::from_value(json!({"id": "we_1", "url": url, "status": status,
            "enabled_events": events, "api_version": version}))
        .unwrap()
    }

    fn verdicts(endpoints: &[WebhookEndpoint], url: Option<&str>) -> Vec<Verdict> {
        judge(endpoints, url).into_iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn an_endpoint_is_ours_enabled_complete_and_of_our_version() {
        let url = "https://billing.example/webhook/stripe";
        let good = endpoint(url, "enabled", &["*"], Some(API_VERSION));
        assert_eq!(verdicts(std::slice::from_ref(&good), None), [Ok, Ok, Ok]);
        assert_eq!(verdicts(std::slice::from_ref(&good), Some(url)), [Ok, Ok, Ok]);
        assert_eq!(verdicts(&[good], Some("https://other.example/webhook/stripe")), [Problem]);
        assert_eq!(verdicts(&[], None), [Problem]);
        let strange = endpoint("https://shop.example/hooks", "enabled", &["*"], Some(API_VERSION));
        assert_eq!(verdicts(&[strange], None), [Problem]);
        let off = endpoint(url, "disabled", &["*"], Some(API_VERSION));
        assert_eq!(verdicts(&[off], None), [Problem]);
        for version in [None, Some("2020-08-27")] {
            let old = endpoint(url, "enabled", &["*"], version);
            assert_eq!(verdicts(&[old], None), [Ok, Ok, Warning], "{version:?}");
        }
    }

    #[test]
    fn every_type_that_is_missing_is_named() {
        let all: Vec<&str> = dispatch::TYPES.iter().map(|(kind, _)| *kind).collect();
        let url = "https://billing.example/webhook/stripe";
        let but_one = endpoint(url, "enabled", &all[1..], Some(API_VERSION));
        let found = &judge(&[but_one], None)[1];
        assert!(found.verdict == Problem && found.means.contains(all[0]), "{}", found.means);
        // Two that are told of different things are told of everything together.
        let halves =
            [&all[..20], &all[20..]].map(|half| endpoint(url, "enabled", half, Some(API_VERSION)));
        assert_eq!(verdicts(&halves, None), [Ok, Ok, Ok]);
        let one = endpoint(url, "enabled", &all[..1], Some(API_VERSION));
        let found = &judge(&[one], None)[1];
        assert!(found.means.contains(&format!("{} more", all.len() - 6)), "{}", found.means);
        assert!(all[1..].iter().all(|kind| found.remedy.as_ref().unwrap().contains(kind)));
    }
}
