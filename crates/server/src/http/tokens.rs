//! Tokens of the application: by which key each is checked, and what it must say.

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode_header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tollhouse_domain::actor::Role;

use super::key_set::Lookup;
use crate::{
    app::App,
    config::Auth,
    error::{Error, Result},
};

/// How far a token's times may be off our clock, in seconds.
const LEEWAY_SECONDS: i64 = 30;

/// What a token says of its bearer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub sub: String,
    pub role: Role,
    /// The bearer's own tenant; staff have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Unix seconds.
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// One audience or several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<Value>,
}

const NOT_VALID: &str =
    "The token is not valid here: its signature, claims, issuer or audience are wrong.";

/// Verifies a token against the settings and the clock.
///
/// # Errors
/// Outside: `Unavailable`, where the keys to check it by cannot be had. Inside: a sentence for its bearer.
pub(super) async fn read(app: &App, token: &str) -> Result<Result<Claims, &'static str>> {
    let Ok(header) = decode_header(token) else {
        return Ok(Err("The token is no JWT, or is signed by an algorithm that is not accepted."));
    };
    // What a token calls critical must be understood, and nothing is.
    if header.crit.is_some() {
        return Ok(Err(NOT_VALID));
    }
    let key = match key(app, &header).await? {
        Ok(key) => key,
        Err(why) => return Ok(Err(why)),
    };
    let auth = &app.config.auth;
    let token = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &demands(auth, &header));
    let Some(claims) = token.ok().and_then(|token| Claims::named_as(auth, token.claims)) else {
        return Ok(Err(NOT_VALID));
    };
    Ok(timely(app, claims))
}

impl Claims {
    /// Reads claims under the names that the settings give them; what stands under ours by chance is not meant.
    fn named_as(auth: &Auth, mut claims: Map<String, Value>) -> Option<Self> {
        let [subject, role, tenant] = [&auth.claim_subject, &auth.claim_role, &auth.claim_tenant]
            .map(|name| claims.remove(name));
        for (name, value) in [("sub", subject), ("role", role), ("tenant_id", tenant)] {
            claims.remove(name);
            claims.extend(value.map(|value| (name.to_owned(), value)));
        }
        serde_json::from_value(Value::Object(claims)).ok()
    }

    /// As a token says them, under the names that the settings give them.
    fn to_names_of(&self, auth: &Auth) -> serde_json::Result<Value> {
        let mut claims = serde_json::to_value(self)?;
        let names = [
            ("sub", &auth.claim_subject),
            ("role", &auth.claim_role),
            ("tenant_id", &auth.claim_tenant),
        ];
        let taken = names.map(|(ours, name)| {
            (name, claims.as_object_mut().and_then(|claims| claims.remove(ours)))
        });
        for (name, value) in taken {
            if let Some(value) = value {
                claims[name] = value;
            }
        }
        Ok(claims)
    }
}

/// The key that may have signed it. The algorithm decides whose: our secret checks HS256 and nothing else, so
/// that a provider's public key, which everyone knows, is never taken for a secret.
async fn key(app: &App, header: &Header) -> Result<Result<DecodingKey, &'static str>> {
    let secret = app.config.auth.jwt_secret.as_ref();
    match (header.alg, secret, &app.key_set) {
        (Algorithm::HS256, Some(secret), _) => {
            Ok(Ok(DecodingKey::from_secret(secret.expose().as_bytes())))
        }
        (algorithm @ (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA), _, Some(keys)) => {
            match keys.find(&app.clock, header.kid.as_deref(), algorithm).await {
                Lookup::Found(key) => Ok(Ok(key)),
                Lookup::Unknown => Ok(Err(
                    "The token is signed by a key that the identity provider does not publish.",
                )),
                Lookup::Unavailable => Err(Error::Unavailable(
                    "the identity provider's keys cannot be fetched, so no token can be checked",
                )),
            }
        }
        (_, None, None) => {
            Ok(Err("Tokens are not accepted here: set `JWT_SECRET` or `JWT_JWKS_URL`."))
        }
        _ => Ok(Err("The token is signed by an algorithm that is not accepted here.")),
    }
}

/// Exactly the algorithm whose key was chosen. Times are checked afterwards, by our clock.
fn demands(auth: &Auth, header: &Header) -> Validation {
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = auth.jwt_audience.is_some();
    validation.required_spec_claims = ["exp".to_owned()].into();
    if let Some(issuer) = &auth.jwt_issuer {
        validation.set_issuer(&[issuer]);
        validation.required_spec_claims.insert("iss".to_owned());
    }
    if let Some(audience) = &auth.jwt_audience {
        validation.set_audience(&[audience]);
        validation.required_spec_claims.insert("aud".to_owned());
    }
    validation
}

fn timely(app: &App, claims: Claims) -> Result<Claims, &'static str> {
    if claims.sub.is_empty() || claims.sub.len() > 255 || claims.sub.contains(char::is_control) {
        return Err("The token's `sub` must be 1 to 255 bytes of plain text.");
    }
    let now = app.clock.now().as_second();
    if claims.exp.saturating_add(LEEWAY_SECONDS) <= now {
        return Err("The token has expired: get a new one.");
    }
    if claims.nbf.is_some_and(|nbf| nbf.saturating_sub(LEEWAY_SECONDS) > now) {
        return Err("The token is not valid yet: check the clocks.");
    }
    Ok(claims)
}

/// Signs a development token, as `tollhouse token` and the demo hand out.
///
/// # Errors
/// Without a secret to sign with.
pub fn sign(claims: &Claims, auth: &Auth) -> anyhow::Result<String> {
    let secret = auth.jwt_secret.as_ref().context("no `JWT_SECRET` is set to sign with")?;
    let header = Header::new(Algorithm::HS256);
    let key = jsonwebtoken::EncodingKey::from_secret(secret.expose().as_bytes());
    Ok(jsonwebtoken::encode(&header, &claims.to_names_of(auth)?, &key)?)
}
