//! Values that make no sense, alone or together; each refusal says what to set instead.

use anyhow::{Context, bail, ensure};
use tollhouse_domain::retention::{AUDIT_DAYS_MIN, EVENT_DAYS_MIN, USAGE_EVENT_DAYS_MIN};
use url::{Host, Url};

use super::{Auth, Config};

/// # Errors
/// With the setting whose value makes no sense.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    check_auth(&config.auth)?;
    if config.billing.automatic_tax && !config.billing.tax_rates.is_empty() {
        bail!(
            "`billing.automatic_tax` and `billing.tax_rates` exclude each other: set one of them"
        );
    }
    if (1..USAGE_EVENT_DAYS_MIN).contains(&config.retention.usage_event_days) {
        bail!(
            "`retention.usage_event_days` must be {USAGE_EVENT_DAYS_MIN} or more, or 0: what came before \
             could count twice"
        );
    }
    if (1..EVENT_DAYS_MIN).contains(&config.retention.event_days) {
        bail!(
            "`retention.event_days` must be {EVENT_DAYS_MIN} or more, or 0: readers must find where they left off"
        );
    }
    if (1..AUDIT_DAYS_MIN).contains(&config.retention.audit_days) {
        bail!(
            "`retention.audit_days` must be {AUDIT_DAYS_MIN} or more, or 0: a year's accounts are looked at when it is over"
        );
    }
    if config.lago.api_url.is_some() != config.lago.api_key.is_some() {
        bail!("`lago.api_url` and `lago.api_key` belong together: set both, or neither");
    }
    if config.server.header_timeout_seconds == 0 {
        bail!("`server.header_timeout_seconds` must be 1 or more");
    }
    if config.session.life_seconds < 1 {
        bail!("`session.life_seconds` must be 1 or more");
    }
    if config.stream.heartbeat_seconds == 0 || config.stream.life_seconds == 0 {
        bail!("`stream.heartbeat_seconds` and `stream.life_seconds` must be 1 or more");
    }
    Ok(())
}

fn check_auth(auth: &Auth) -> anyhow::Result<()> {
    let names = [&auth.claim_subject, &auth.claim_role, &auth.claim_tenant];
    let is_taken = |name: &str| ["exp", "nbf", "iss", "aud"].contains(&name) || name.is_empty();
    let [subject, role, tenant] = names;
    ensure!(
        subject != role
            && role != tenant
            && tenant != subject
            && !names.iter().any(|name| is_taken(name)),
        "`auth.claim_subject`, `auth.claim_role` and `auth.claim_tenant` must be three names, none of them `exp`, \
         `nbf`, `iss` or `aud`"
    );
    if let Some(secret) = &auth.jwt_secret
        && secret.expose().len() < 32
    {
        bail!("`auth.jwt_secret` is shorter than 32 bytes: anyone could guess it");
    }
    let Some(url) = &auth.jwt_jwks_url else { return Ok(()) };
    let url: Url = url.parse().context("`auth.jwt_jwks_url` is not a URL")?;
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "`auth.jwt_jwks_url` holds a user or a password: public keys need none"
    );
    match url.scheme() {
        "https" => {}
        "http" if auth.jwks_plain_http || is_this_machine(&url) => {}
        _ => bail!(
            "`auth.jwt_jwks_url` must begin with `https://`, or whoever is on the way could hand in keys; \
             `auth.jwks_plain_http` allows plain HTTP on a network that you trust"
        ),
    }
    ensure!(
        auth.jwt_issuer.is_some() || auth.jwt_audience.is_some(),
        "`auth.jwt_jwks_url` needs `auth.jwt_issuer` or `auth.jwt_audience`: an identity provider signs \
         tokens for other applications with the same keys"
    );
    ensure!(
        auth.jwks_refresh_seconds > 0
            && i64::try_from(auth.jwks_refresh_seconds)
                .is_ok_and(|refresh| refresh < auth.jwks_outage_seconds),
        "`auth.jwks_refresh_seconds` must be 1 or more, and less than `auth.jwks_outage_seconds`"
    );
    Ok(())
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn a_key_set_comes_over_https_and_with_an_issuer_or_an_audience() {
        for (url, plain_http, issuer, audience, accepted) in [
            ("https://id.example.com/jwks", false, "", "billing", true),
            ("https://id.example.com/jwks", false, "https://id.example.com", "", true),
            ("https://id.example.com/jwks", false, "", "", false),
            ("http://id.example.com/jwks", false, "", "billing", false),
            ("http://id.example.com/jwks", true, "", "billing", true),
            ("http://localhost:9000/jwks", false, "", "billing", true),
            ("http://127.0.0.1:9000/jwks", false, "", "billing", true),
            ("http://[::1]:9000/jwks", false, "", "billing", true),
            ("http://localhost.example.com/jwks", false, "", "billing", false),
            ("https://user:password@id.example.com/jwks", false, "", "billing", false),
            ("file:///etc/keys.json", true, "", "billing", false),
            ("id.example.com/jwks", true, "", "billing", false),
        ] {
            let mut auth = Settings::defaults().unwrap().config().unwrap().auth;
            let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            auth.jwt_jwks_url = given(url);
            auth.jwks_plain_http = plain_http;
            auth.jwt_issuer = given(issuer);
            auth.jwt_audience = given(audience);
            assert_eq!(check_auth(&auth).is_ok(), accepted, "{url} {issuer} {audience}");
        }
    }

    #[test]
    fn an_outage_lasts_longer_than_the_pause_between_fetches() {
        for (refresh, outage, accepted) in [(300, 86400, true), (0, 60, false), (60, 60, false)] {
            let mut auth = Settings::defaults().unwrap().config().unwrap().auth;
            auth.jwt_jwks_url = Some("https://id.example.com/jwks".to_owned());
            auth.jwt_audience = Some("billing".to_owned());
            (auth.jwks_refresh_seconds, auth.jwks_outage_seconds) = (refresh, outage);
            assert_eq!(check_auth(&auth).is_ok(), accepted, "{refresh} {outage}");
        }
    }
}
