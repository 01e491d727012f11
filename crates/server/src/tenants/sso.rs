//! How a tenant's people sign in at the application: checked, kept, and given back to it. Nobody signs in
//! here by it.

use der::{DecodePem, Encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tollhouse_domain::time::Timestamp;
use utoipa::ToSchema;
use x509_cert::Certificate;

use crate::error::FieldProblem;

const TEXT_LENGTH_MAX: usize = 500;
const SECRET_LENGTH_MAX: usize = 1000;
const CERTIFICATE_LENGTH_MAX: usize = 20_000;
const LIST_LENGTH_MAX: usize = 20;

/// What an identity provider needs to be found and believed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Sso {
    /// `OpenID` Connect.
    Oidc {
        /// `https://…`, without query or fragment.
        issuer: String,
        client_id: String,
        /// Written, and never shown again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_secret: Option<String>,
        redirect_uris: Vec<String>,
        /// With `openid` among them; `openid email profile` where absent.
        #[serde(default = "usual_scopes")]
        scopes: Vec<String>,
    },
    /// SAML 2.0.
    Saml {
        entity_id: String,
        /// `https://…`
        sso_url: String,
        /// PEM.
        certificate: String,
    },
}

impl std::fmt::Debug for Sso {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Oidc { .. } => "Oidc(•••)",
            Self::Saml { .. } => "Saml(•••)",
        })
    }
}

fn usual_scopes() -> Vec<String> {
    ["openid", "email", "profile"].map(str::to_owned).to_vec()
}

impl Sso {
    /// Everything that is wrong with it at the moment `now`, each at its field.
    pub fn problems(&self, now: Timestamp) -> Vec<FieldProblem> {
        let mut problems = Vec::new();
        let mut refuse = |field: &str, message: &str| {
            problems
                .push(FieldProblem { field: format!("sso.{field}"), message: message.to_owned() });
        };
        match self {
            Self::Oidc { issuer, client_id, client_secret, redirect_uris, scopes } => {
                if !is_https(issuer) || issuer.contains(['?', '#']) {
                    refuse("issuer", "must be an `https://` URL without query or fragment");
                }
                if !is_plain(client_id) {
                    refuse("client_id", "must be 1 to 500 bytes of plain text");
                }
                if client_secret
                    .as_ref()
                    .is_some_and(|secret| !(1..=SECRET_LENGTH_MAX).contains(&secret.len()))
                {
                    refuse("client_secret", "must be 1 to 1000 bytes");
                }
                if !(1..=LIST_LENGTH_MAX).contains(&redirect_uris.len()) {
                    refuse("redirect_uris", "must be 1 to 20 URLs");
                }
                if !redirect_uris.iter().all(|uri| is_redirect(uri)) {
                    refuse(
                        "redirect_uris",
                        "must be `https://` URLs without fragment; `http://` for localhost only",
                    );
                }
                let is_scope = |scope: &String| is_plain(scope) && !scope.contains(['"', '\\']);
                if scopes.len() > LIST_LENGTH_MAX || !scopes.iter().all(is_scope) {
                    refuse("scopes", "must be at most 20 words");
                }
                if !scopes.iter().any(|scope| scope == "openid") {
                    refuse("scopes", "must have `openid` among them");
                }
            }
            Self::Saml { entity_id, sso_url, certificate } => {
                if !is_plain(entity_id) {
                    refuse("entity_id", "must be 1 to 500 bytes of plain text");
                }
                if !is_https(sso_url) {
                    refuse("sso_url", "must be an `https://` URL");
                }
                match CertificateBrief::read(certificate) {
                    None => refuse("certificate", "must be one X.509 certificate as PEM"),
                    Some(brief) if brief.expires_at <= now => {
                        refuse(
                            "certificate",
                            "has expired: ask the identity provider for its present one",
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        problems
    }

    /// Takes over the secret that was given before, where none is given now for the same client.
    pub fn keep_secret(&mut self, before: Option<&Self>) {
        let Some(Self::Oidc { issuer: old_issuer, client_id: old_id, client_secret: old, .. }) =
            before
        else {
            return;
        };
        if let Self::Oidc { issuer, client_id, client_secret: secret @ None, .. } = self
            && issuer == old_issuer
            && client_id == old_id
        {
            secret.clone_from(old);
        }
    }
}

/// As it is shown: without what is secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SsoView {
    Oidc {
        issuer: String,
        client_id: String,
        /// Whether one is kept; it is never shown.
        client_secret_set: bool,
        redirect_uris: Vec<String>,
        scopes: Vec<String>,
    },
    Saml {
        entity_id: String,
        sso_url: String,
        certificate: String,
        /// The last moment at which it is valid.
        #[schema(value_type = Option<String>)]
        certificate_expires_at: Option<Timestamp>,
        /// SHA-256 of the certificate, in hexadecimal.
        certificate_fingerprint: Option<String>,
    },
}

impl From<Sso> for SsoView {
    fn from(sso: Sso) -> Self {
        match sso {
            Sso::Oidc { issuer, client_id, client_secret, redirect_uris, scopes } => Self::Oidc {
                issuer,
                client_id,
                client_secret_set: client_secret.is_some(),
                redirect_uris,
                scopes,
            },
            Sso::Saml { entity_id, sso_url, certificate } => {
                let brief = CertificateBrief::read(&certificate);
                Self::Saml {
                    entity_id,
                    sso_url,
                    certificate,
                    certificate_expires_at: brief.as_ref().map(|brief| brief.expires_at),
                    certificate_fingerprint: brief.map(|brief| brief.fingerprint),
                }
            }
        }
    }
}

/// What is read from a certificate.
struct CertificateBrief {
    expires_at: Timestamp,
    fingerprint: String,
}

impl CertificateBrief {
    fn read(pem: &str) -> Option<Self> {
        if pem.len() > CERTIFICATE_LENGTH_MAX {
            return None;
        }
        let certificate = Certificate::from_pem(pem.trim()).ok()?;
        let until = certificate.tbs_certificate.validity.not_after.to_unix_duration();
        Some(Self {
            expires_at: Timestamp::from_second(i64::try_from(until.as_secs()).ok()?)?,
            fingerprint: hex::encode(Sha256::digest(certificate.to_der().ok()?)),
        })
    }
}

fn is_plain(text: &str) -> bool {
    (1..=TEXT_LENGTH_MAX).contains(&text.len())
        && !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

fn is_https(url: &str) -> bool {
    is_url(url, |scheme, _| scheme == "https")
}

/// Somebody's own machine needs no TLS.
fn is_redirect(url: &str) -> bool {
    let at_home = |host: &str| matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    !url.contains('#')
        && is_url(url, |scheme, host| scheme == "https" || (scheme == "http" && at_home(host)))
}

fn is_url(url: &str, fits: impl Fn(&str, &str) -> bool) -> bool {
    let Ok(uri) = url.parse::<axum::http::Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    is_plain(url)
        && !authority.as_str().contains('@')
        && !authority.host().is_empty()
        && fits(scheme, authority.host())
}
