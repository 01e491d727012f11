//! Who is asking: a token or an API key becomes a `Caller`; each handler says what it needs of them.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{header, request::Parts},
    middleware::Next,
    response::Response,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::{Actor, Permission, Role, Scope},
    id::{ApiKeyId, TenantId},
};

use super::RequestId;
use crate::{
    app::App,
    config::{Auth, Secret},
    credentials::{
        actions::{MARK, know},
        queries::ApiKey,
    },
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
    who: Who,
    /// The credential's own tenant, as it has it; what is not a UUID is a tenant that does not exist.
    own: Option<String>,
    /// Whether it reaches every tenant; what it may do there is another question.
    reaches_all: bool,
    arrival: Arrival,
}

/// How a request came in.
#[derive(Clone, Debug)]
struct Arrival {
    /// Under which it stands in the log.
    request_id: String,
    /// The other end of the connection; none where there was none, as in a library.
    address: Option<IpAddr>,
}

impl Arrival {
    fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        let connection = extensions.get::<ConnectInfo<SocketAddr>>();
        Self {
            request_id: extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
            address: connection.map(|connection| connection.0.ip().to_canonical()),
        }
    }
}

/// By what credential we know them.
#[derive(Clone, Debug)]
enum Who {
    /// A person, by a token.
    Person { subject: String, role: Role },
    /// A program, by an API key.
    Program { key: ApiKeyId, scopes: Vec<Scope> },
}

impl Caller {
    fn of_token(claims: Claims, arrival: Arrival) -> Self {
        let reaches_all = claims.role.allows(Permission::ReadAnyTenant);
        let who = Who::Person { subject: claims.sub, role: claims.role };
        Self { who, own: claims.tenant_id, reaches_all, arrival }
    }

    fn of_key(key: ApiKey, arrival: Arrival) -> Result<Self> {
        let who = Who::Program { key: key.id, scopes: key.scopes.to()? };
        let own = key.tenant_id.map(|tenant| tenant.to_string());
        Ok(Self { who, reaches_all: own.is_none(), own, arrival })
    }

    /// Whether role or scopes permit it, in the tenants it reaches.
    fn allows(&self, permission: Permission) -> bool {
        match &self.who {
            Who::Person { role, .. } => role.allows(permission),
            Who::Program { scopes, .. } => scopes.iter().any(|scope| scope.allows(permission)),
        }
    }

    /// Whether it may see every tenant.
    pub fn sees_all_tenants(&self) -> bool {
        self.reaches_all && self.allows(Permission::ReadAnyTenant)
    }

    /// The caller's own tenant.
    ///
    /// # Errors
    /// `Forbidden` where the credential does not permit it; `NotFound` where it names no tenant.
    pub fn own_tenant(&self, permission: Permission) -> Result<TenantId> {
        self.permit(permission)?;
        let Some(tenant) = &self.own else {
            return Err(not_found("tenant", "(the credential names none)"));
        };
        tenant.parse().map_err(|_| not_found("tenant", tenant))
    }

    /// A tenant named in the path: one's own, or any for our staff. Another's does not exist.
    ///
    /// # Errors
    /// `NotFound` for another's tenant, `Forbidden` where the credential does not permit it.
    pub fn tenant(&self, tenant: TenantId, permission: Permission) -> Result<TenantId> {
        let own = self.own.as_deref().and_then(|own| own.parse().ok()) == Some(tenant);
        if !own && !self.reaches_all {
            return Err(not_found("tenant", tenant));
        }
        self.permit(permission)?;
        Ok(tenant)
    }

    /// For what concerns no single tenant: who reaches one tenant only may nothing of the platform's.
    ///
    /// # Errors
    /// `Forbidden` where the credential does not permit it.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if permission.is_of_the_platform() && !self.reaches_all {
            return Err(self.forbidden());
        }
        self.permit(permission)
    }

    fn permit(&self, permission: Permission) -> Result<()> {
        if self.allows(permission) { Ok(()) } else { Err(self.forbidden()) }
    }

    fn forbidden(&self) -> Error {
        Error::Forbidden(match &self.who {
            Who::Person { role, .. } => format!(
                "The role `{role}` may not do this: ask someone whose role may, or use their credential."
            ),
            Who::Program { .. } => {
                "The API key may not do this: use one with another scope, or not bound to one tenant."
                    .to_owned()
            }
        })
    }

    /// Under which keys of different callers stay apart.
    pub(super) fn scope(&self) -> String {
        let own = self.own.as_deref().unwrap_or("-");
        match &self.who {
            Who::Person { subject, role } => format!("{role} {own} {subject}"),
            Who::Program { key, .. } => format!("api_key {own} {key}"),
        }
    }

    /// Under which the request stands in the log.
    pub fn request_id(&self) -> &str {
        &self.arrival.request_id
    }

    /// Whom changes of this request are put down to.
    pub fn origin(&self) -> Origin {
        Origin {
            actor: match &self.who {
                Who::Person { subject, role } => {
                    Actor::User { subject: subject.clone(), role: *role }
                }
                Who::Program { key, .. } => Actor::ApiKey { id: *key },
            },
            request_id: Some(self.arrival.request_id.clone()),
            address: self.arrival.address,
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
pub async fn identify(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let arrival = Arrival::of(&request);
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().ok().and_then(bearer_token).map(str::to_owned));
    let identity = match bearer {
        None => None,
        Some(None) => {
            Some(Identity::Refused("The `Authorization` header is not `Bearer <token>`."))
        }
        Some(Some(token)) => Some(known(&app, &token, arrival).await?),
    };
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    Ok(next.run(request).await)
}

/// An API key or a token.
async fn known(app: &App, token: &str, arrival: Arrival) -> Result<Identity> {
    let caller = if token.starts_with(MARK) {
        match know(app, token).await? {
            Ok(key) => Ok(Caller::of_key(key, arrival)?),
            Err(why) => Err(why),
        }
    } else {
        read_token(app, token).map(|claims| Caller::of_token(claims, arrival))
    };
    Ok(caller.map_or_else(Identity::Refused, Identity::Known))
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
                "No credential was given: send `Authorization: Bearer <token or API key>`.",
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
