//! What the settings alone say: keys, secrets, addresses.

use std::collections::BTreeSet;

use tollhouse_server::{Config, config::Secret, doctor::Finding};
use tollhouse_stripe::{API_VERSION, http::STRIPE_API_BASE};

/// Words that stand in examples, and in no secret that was made by chance.
const EXAMPLES: [&str; 7] =
    ["changeme", "change-me", "change_me", "secret", "password", "example", "tollhouse"];
/// 32 bytes by chance have about 30 different ones; in hexadecimal, about 16.
const DIFFERENT_BYTES_MIN: usize = 10;

pub fn examine(config: &Config) -> Vec<Finding> {
    vec![
        stripe_key(config),
        api_version(config),
        jwt_secret(config),
        webhook_secret(config),
        frontend(config),
    ]
}

fn stripe_key(config: &Config) -> Finding {
    const CHECK: &str = "stripe key";
    let stripe = &config.stripe;
    let Some(key) = stripe.secret_key.as_ref().map(Secret::expose) else {
        let means = "No Stripe key is set, so nothing can be sold.";
        return Finding::problem(CHECK, means, "Set `STRIPE_SECRET_KEY`.");
    };
    let is = |kind: &str| {
        key.starts_with(&format!("sk_{kind}_")) || key.starts_with(&format!("rk_{kind}_"))
    };
    let base = stripe.api_base.trim_end_matches('/');
    match (is("live"), is("test"), base == STRIPE_API_BASE) {
        (true, _, false) => Finding::problem(
            CHECK,
            format!("A live key is sent to `{base}`, which is not Stripe."),
            "Take `STRIPE_API_BASE` out, and roll the key at Stripe.",
        ),
        (_, _, false) => Finding::warning(
            CHECK,
            format!("Calls go to `{base}`, not to Stripe: no money moves."),
            "For production, take `STRIPE_API_BASE` out and set a live key.",
        ),
        (true, _, true) if is_of_another_mode(config) => Finding::problem(
            CHECK,
            "The secret key is live and the publishable key is not: no page to pay on would open.",
            "Set `STRIPE_PUBLISHABLE_KEY` to the live account's.",
        ),
        (true, _, true) => Finding::ok(CHECK, "A live key: real money moves."),
        (false, true, true) => Finding::warning(
            CHECK,
            "A test key: no money moves.",
            "For production, set `STRIPE_SECRET_KEY` to a live key.",
        ),
        (false, false, true) => Finding::problem(
            CHECK,
            "The Stripe key begins like none of Stripe's (`sk_live_…`, `rk_live_…`, `sk_test_…`).",
            "Copy it again from Stripe's dashboard, under Developers, API keys.",
        ),
    }
}

fn is_of_another_mode(config: &Config) -> bool {
    config.stripe.publishable_key.as_ref().is_some_and(|key| !key.starts_with("pk_live_"))
}

fn api_version(config: &Config) -> Finding {
    const CHECK: &str = "stripe api version";
    let version = &config.stripe.api_version;
    if version == API_VERSION {
        return Finding::ok(CHECK, format!("`{version}`, which this release was tested with."));
    }
    Finding::warning(
        CHECK,
        format!("Stripe is asked for `{version}`; this release was tested with `{API_VERSION}`."),
        "Take `STRIPE_API_VERSION` out.",
    )
}

fn jwt_secret(config: &Config) -> Finding {
    const CHECK: &str = "token secret";
    const REMEDY: &str =
        "Set `JWT_SECRET` to what `openssl rand -hex 32` prints, here and where tokens are signed.";
    let Some(secret) = config.auth.jwt_secret.as_ref().map(Secret::expose) else {
        let means = "No `JWT_SECRET` is set, so every token signed with one is refused.";
        return Finding::warning(CHECK, means, REMEDY);
    };
    let different: BTreeSet<u8> = secret.bytes().collect();
    let small = secret.to_lowercase();
    if different.len() < DIFFERENT_BYTES_MIN || EXAMPLES.iter().any(|word| small.contains(word)) {
        let means = "`JWT_SECRET` can be guessed: whoever does is any tenant and any operator.";
        return Finding::problem(CHECK, means, REMEDY);
    }
    Finding::ok(CHECK, format!("{} bytes that read like chance.", secret.len()))
}

fn webhook_secret(config: &Config) -> Finding {
    const CHECK: &str = "webhook secret";
    let secrets = &config.stripe.webhook_secret;
    if secrets.is_empty() {
        return Finding::problem(
            CHECK,
            "No webhook secret is set, so what Stripe tells us is answered with 404.",
            "Set `STRIPE_WEBHOOK_SECRET` to the signing secret of the endpoint at Stripe.",
        );
    }
    if secrets.iter().any(|secret| !secret.expose().starts_with("whsec_")) {
        return Finding::problem(
            CHECK,
            "A webhook secret does not begin with `whsec_`, so no signature of Stripe's will fit it.",
            "Copy it again from the endpoint's page at Stripe.",
        );
    }
    match secrets.len() {
        1 => Finding::ok(CHECK, "Set."),
        count => Finding::ok(CHECK, format!("{count} are taken, as while one is rolled.")),
    }
}

fn frontend(config: &Config) -> Finding {
    const CHECK: &str = "frontend url";
    let url = &config.server.frontend_url;
    if url.starts_with("https://") {
        return Finding::ok(CHECK, format!("People are led back to `{url}`."));
    }
    Finding::warning(
        CHECK,
        format!("People who have paid are led back to `{url}`, which is not HTTPS."),
        "Set `FRONTEND_URL` to where people reach the application.",
    )
}

#[cfg(test)]
mod tests {
    use tollhouse_server::Settings;

    use super::*;
    use tollhouse_server::doctor::Verdict::{self, Ok, Problem, Warning};

    fn with(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Settings::defaults().unwrap().config().unwrap();
        change(&mut config);
        config
    }

    #[test]
    fn a_key_is_live_or_it_is_said() {
        let cases: [(&str, &str, Option<&str>, Verdict); 8] = [
            ("", STRIPE_API_BASE, None, Problem),
            ("sk_live_1", STRIPE_API_BASE, None, Ok),
            ("rk_live_1", STRIPE_API_BASE, Some("pk_live_1"), Ok),
            ("sk_live_1", STRIPE_API_BASE, Some("pk_test_1"), Problem),
            ("sk_test_1", STRIPE_API_BASE, None, Warning),
            ("pk_live_1", STRIPE_API_BASE, None, Problem),
            ("sk_test_1", "http://127.0.0.1:12111", None, Warning),
            ("sk_live_1", "http://127.0.0.1:12111", None, Problem),
        ];
        for (key, base, publishable, verdict) in cases {
            let config = with(|config| {
                config.stripe.secret_key = (!key.is_empty()).then(|| Secret::new(key));
                config.stripe.publishable_key = publishable.map(str::to_owned);
                base.clone_into(&mut config.stripe.api_base);
            });
            assert_eq!(stripe_key(&config).verdict, verdict, "{key} {base} {publishable:?}");
        }
    }

    #[test]
    fn a_secret_that_reads_like_an_example_is_a_problem() {
        let cases: [(&str, Verdict); 5] = [
            ("", Warning),
            ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", Problem),
            ("please-ChangeMe-before-production-1234", Problem),
            ("my very own JWT secret for the shop", Problem),
            ("9f2c4be7a1d80365c7f21e94ab6d5038", Ok),
        ];
        for (secret, verdict) in cases {
            let config = with(|config| {
                config.auth.jwt_secret = (!secret.is_empty()).then(|| Secret::new(secret));
            });
            let finding = jwt_secret(&config);
            assert_eq!(finding.verdict, verdict, "{secret}");
            assert!(secret.is_empty() || !format!("{finding:?}").contains(secret));
        }
    }

    #[test]
    fn webhook_secrets_are_stripes() {
        for (secrets, verdict) in [
            (&[][..], Problem),
            (&["whsec_a"][..], Ok),
            (&["whsec_a", "whsec_b"][..], Ok),
            (&["whsec_a", "sk_test_b"][..], Problem),
        ] {
            let config = with(|config| {
                config.stripe.webhook_secret =
                    secrets.iter().map(|secret| Secret::new(*secret)).collect();
            });
            assert_eq!(webhook_secret(&config).verdict, verdict, "{secrets:?}");
        }
    }
}
