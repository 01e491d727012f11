//! Who is asking: the bearer's token becomes a `Caller`; each handler says what it needs of them.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{header, request::Parts},
    middleware::Next,
    response::Response,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::{Actor, Permission, Role},
    id::TenantId,
};

use super::RequestId;
use crate::{
    app::App,
    config::{Auth, Secret},
    error::{Error, Result, not_found},
    record::Origin,
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

/// Somebody we know.
#[derive(Clone, Debug)]
pub struct Caller {
    pub subject: String,
    pub role: Role,
    /// As the token has it; what is not a UUID is a tenant that does not exist.
    tenant: Option<String>,
    request_id: String,
}

impl Caller {
    /// The caller's own tenant.
    ///
    /// # Errors
    /// `Forbidden` where the role does not permit it; `NotFound` where the token names no tenant.
    pub fn own_tenant(&self, permission: Permission) -> Result<TenantId> {
        self.require(permission)?;
        let Some(tenant) = &self.tenant else {
            return Err(not_found("tenant", "(the token names none)"));
        };
        tenant.parse().map_err(|_| not_found("tenant", tenant))
    }

    /// A tenant named in the path: one's own, or any for our staff. Another's does not exist.
    ///
    /// # Errors
    /// `NotFound` for another's tenant, `Forbidden` where the role does not permit it.
    pub fn tenant(&self, tenant: TenantId, permission: Permission) -> Result<TenantId> {
        let own = self.tenant.as_deref().and_then(|own| own.parse().ok()) == Some(tenant);
        if !own && !self.role.allows(Permission::ReadAnyTenant) {
            return Err(not_found("tenant", tenant));
        }
        self.require(permission)?;
        Ok(tenant)
    }

    /// # Errors
    /// `Forbidden` where the role does not permit it.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.role.allows(permission) {
            return Ok(());
        }
        let role = self.role.as_str();
        Err(Error::Forbidden(format!(
            "The role `{role}` may not do this: ask someone whose role may, or use their credential."
        )))
    }

    /// Under which keys of different callers stay apart.
    pub(super) fn scope(&self) -> String {
        format!("{} {} {}", self.role, self.tenant.as_deref().unwrap_or("-"), self.subject)
    }

    /// Under which the request stands in the log.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Whom changes of this request are put down to.
    pub fn origin(&self) -> Origin {
        Origin {
            actor: Actor::User { subject: self.subject.clone(), role: self.role },
            request_id: Some(self.request_id.clone()),
        }
    }
}

/// What the layer found out; the handler's extractor turns it into a caller or a refusal.
#[derive(Clone)]
enum Identity {
    Known(Caller),
    Refused(&'static str),
}

/// Looks at the credential of every request, once.
pub async fn identify(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let request_id =
        request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().ok().and_then(bearer_token));
    let identity = match bearer {
        None => None,
        Some(None) => {
            Some(Identity::Refused("The `Authorization` header is not `Bearer <token>`."))
        }
        Some(Some(token)) => Some(match read_token(&app, token) {
            Ok(claims) => Identity::Known(Caller {
                subject: claims.sub,
                role: claims.role,
                tenant: claims.tenant_id,
                request_id,
            }),
            Err(why) => Identity::Refused(why),
        }),
    };
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    next.run(request).await
}

/// The token after `Bearer`, in whatever case that word is written.
fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The caller, for layers that only look.
pub(super) fn caller_of(request: &Request) -> Option<&Caller> {
    match request.extensions().get::<Identity>() {
        Some(Identity::Known(caller)) => Some(caller),
        _ => None,
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self> {
        match parts.extensions.get::<Identity>() {
            Some(Identity::Known(caller)) => Ok(caller.clone()),
            Some(Identity::Refused(why)) => Err(Error::Unauthenticated(why)),
            None => Err(Error::Unauthenticated(
                "No credential was given: send `Authorization: Bearer <token>`.",
            )),
        }
    }
}

/// Verifies a token against the settings and the clock.
fn read_token(app: &App, token: &str) -> Result<Claims, &'static str> {
    let Auth { jwt_secret, jwt_issuer, jwt_audience } = &app.config.auth;
    let secret = jwt_secret.as_ref().ok_or("Tokens are not accepted here: set `JWT_SECRET`.")?;
    // One algorithm, ours: a token that names another one is forged. Times are checked below, by our clock.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = jwt_audience.is_some();
    validation.required_spec_claims = ["exp".to_owned()].into();
    if let Some(issuer) = jwt_issuer {
        validation.set_issuer(&[issuer]);
        validation.required_spec_claims.insert("iss".to_owned());
    }
    if let Some(audience) = jwt_audience {
        validation.set_audience(&[audience]);
        validation.required_spec_claims.insert("aud".to_owned());
    }
    let key = DecodingKey::from_secret(secret.expose().as_bytes());
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(
            |_| "The token is not valid here: its signature, claims, issuer or audience are wrong.",
        )?
        .claims;
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
pub fn sign_token(claims: &Claims, secret: &Secret) -> anyhow::Result<String> {
    let header = jsonwebtoken::Header::new(Algorithm::HS256);
    let key = jsonwebtoken::EncodingKey::from_secret(secret.expose().as_bytes());
    Ok(jsonwebtoken::encode(&header, claims, &key)?)
}
