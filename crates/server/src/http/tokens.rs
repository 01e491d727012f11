//! Tokens of the application: by which key each is checked, and what it must say.

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode_header};
use serde::{Deserialize, Serialize};
use tollhouse_domain::actor::Role;

use super::key_set::Lookup;
use crate::{
    app::App,
    config::{Auth, Secret},
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
    pub aud: Option<serde_json::Value>,
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
    let Ok(token) =
        jsonwebtoken::decode::<Claims>(token, &key, &demands(&app.config.auth, &header))
    else {
        return Ok(Err(NOT_VALID));
    };
    Ok(timely(app, token.claims))
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
/// Never for an HMAC secret; the library's type does not say so.
pub fn sign(claims: &Claims, secret: &Secret) -> anyhow::Result<String> {
    let header = Header::new(Algorithm::HS256);
    let key = jsonwebtoken::EncodingKey::from_secret(secret.expose().as_bytes());
    Ok(jsonwebtoken::encode(&header, claims, &key)?)
}
