//! Who is asking: a token or an API key becomes a `Caller`; each handler says what it needs of them.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use tollhouse_domain::{
    actor::{Actor, Permission, Role, Scope},
    id::{ApiKeyId, TenantId},
    time::Timestamp,
};

use super::{
    RequestId,
    address::address_of,
    session_cookie,
    tokens::{self, Claims},
};
use crate::{
    app::App,
    credentials::{
        actions::{MARK, know},
        queries::ApiKey,
    },
    db::within,
    error::{Error, Result, not_found},
    record::Origin,
    sessions::{
        actions::{self as sessions, Bearer},
        queries::Session,
    },
};

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
pub struct Arrival {
    /// Under which it stands in the log.
    request_id: String,
    /// Who sent it; of a request that came through no connection, nobody knows.
    address: Option<IpAddr>,
}

impl Arrival {
    fn of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let id = extensions.get::<RequestId>();
        Self {
            request_id: id.map(|id| id.0.clone()).unwrap_or_default(),
            address: address_of(headers, extensions, app.config.server.trusted_proxies),
        }
    }
}

impl FromRequestParts<Arc<App>> for Arrival {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self::of(app, &parts.headers, &parts.extensions))
    }
}

/// By what credential we know them.
#[derive(Clone, Debug)]
enum Who {
    /// A person, by a token or a session.
    Person { subject: String, role: Role, by: By },
    /// A program, by an API key.
    Program { key: ApiKeyId, scopes: Vec<Scope> },
}

/// What a person has shown.
#[derive(Clone, Debug)]
enum By {
    Token { expires_at: Timestamp },
    Session { session: Box<Session>, csrf_token: String },
}

impl Caller {
    fn of_token(claims: Claims, arrival: Arrival) -> Self {
        let reaches_all = claims.role.allows(Permission::ReadAnyTenant);
        let expires_at = Timestamp::from_second(claims.exp).unwrap_or(Timestamp::MAX);
        let by = By::Token { expires_at };
        let who = Who::Person { subject: claims.sub, role: claims.role, by };
        Self { who, own: claims.tenant_id, reaches_all, arrival }
    }

    fn of_session(session: Session, csrf_token: String, arrival: Arrival) -> Self {
        let (subject, role) = (session.subject.clone(), session.role);
        let own = session.tenant.clone();
        let by = By::Session { session: Box::new(session), csrf_token };
        let reaches_all = role.allows(Permission::ReadAnyTenant);
        Self { who: Who::Person { subject, role, by }, own, reaches_all, arrival }
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

    /// Who may begin a session: somebody with a token.
    ///
    /// # Errors
    /// `Forbidden` for API keys, and for sessions: they would live for ever.
    pub fn bearer(&self) -> Result<Bearer> {
        match &self.who {
            Who::Person { subject, role, by: By::Token { expires_at } } => Ok(Bearer {
                subject: subject.clone(),
                role: *role,
                tenant: self.own.clone(),
                expires_at: *expires_at,
            }),
            _ => Err(Error::Forbidden(
                "A session begins with a token: send one as `Authorization: Bearer <token>`."
                    .to_owned(),
            )),
        }
    }

    /// The session of this request, and its CSRF token.
    ///
    /// # Errors
    /// `Forbidden` for other credentials.
    pub fn session(&self) -> Result<(&Session, &str)> {
        match &self.who {
            Who::Person { by: By::Session { session, csrf_token }, .. } => {
                Ok((session, csrf_token))
            }
            _ => Err(Error::Forbidden(
                "The request came with another credential than the cookie `session_token`: leave \
                 `Authorization` away."
                    .to_owned(),
            )),
        }
    }

    /// A person's subject, or a key's id.
    pub fn name(&self) -> String {
        self.origin().actor.name()
    }

    /// Under which keys of different callers stay apart.
    pub(super) fn scope(&self) -> String {
        let own = self.own.as_deref().unwrap_or("-");
        match &self.who {
            Who::Person { subject, role, .. } => format!("{role} {own} {subject}"),
            Who::Program { key, .. } => format!("api_key {own} {key}"),
        }
    }

    /// Whether it is the application itself, by an API key, or our own staff: not one of the many people.
    pub fn is_application(&self) -> bool {
        matches!(self.who, Who::Program { .. }) || self.reaches_all
    }

    /// Under which the request stands in the log.
    pub fn request_id(&self) -> &str {
        &self.arrival.request_id
    }

    /// Whom changes of this request are put down to.
    pub fn origin(&self) -> Origin {
        Origin {
            actor: match &self.who {
                Who::Person { subject, role, .. } => {
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

impl Identity {
    /// The tenant of a caller who reaches no other.
    fn tenant_alone(&self) -> Option<TenantId> {
        match self {
            Self::Known(caller) if !caller.reaches_all => caller.own.as_deref()?.parse().ok(),
            _ => None,
        }
    }
}

/// Looks at the credential of every request, once. A bearer goes before a cookie: browsers send their cookies
/// unasked, while a bearer is always meant.
pub async fn identify(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let arrival = Arrival::of(&app, request.headers(), request.extensions());
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().ok().and_then(bearer_token).map(str::to_owned));
    let identity = match bearer {
        None => by_cookie(&app, request.method(), request.headers(), arrival).await?,
        Some(None) => {
            Some(Identity::Refused("The `Authorization` header is not `Bearer <token>`."))
        }
        Some(Some(token)) => Some(known(&app, &token, arrival).await?),
    };
    let Some(identity) = identity else { return Ok(next.run(request).await) };
    let tenant = identity.tenant_alone();
    request.extensions_mut().insert(identity);
    let mut response = match tenant {
        Some(tenant) => within(tenant, next.run(request)).await,
        None => next.run(request).await,
    };
    // What one person was told is no other's, whatever stands in between.
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Who shows a token elsewhere than in the header: in a form, or in a link.
///
/// # Errors
/// `Unauthenticated`, with a sentence for who shows it; `Unavailable`, where it cannot be checked.
pub async fn by_token(app: &App, arrival: Arrival, token: &str) -> Result<Caller> {
    match known(app, token, arrival).await? {
        Identity::Known(caller) => Ok(caller),
        Identity::Refused(why) => Err(Error::Unauthenticated(why)),
    }
}

/// Whoever the session's cookie stands for, where there is one.
async fn by_cookie(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    arrival: Arrival,
) -> Result<Option<Identity>> {
    let secret = match session_cookie::read(headers) {
        None => return Ok(None),
        Some(Err(why)) => return Ok(Some(Identity::Refused(why))),
        Some(Ok(secret)) => secret,
    };
    let Some(session) = sessions::know(app, secret).await? else {
        return Ok(Some(Identity::Refused("The session has ended: begin another one.")));
    };
    let csrf_token = sessions::csrf_token(secret);
    session_cookie::check_origin(method, headers, &app.config.server, &csrf_token)?;
    Ok(Some(Identity::Known(Caller::of_session(session, csrf_token, arrival))))
}

/// An API key or a token.
async fn known(app: &App, token: &str, arrival: Arrival) -> Result<Identity> {
    let caller = if token.starts_with(MARK) {
        match know(app, token).await? {
            Ok(key) => Ok(Caller::of_key(key, arrival)?),
            Err(why) => Err(why),
        }
    } else {
        tokens::read(app, token).await?.map(|claims| Caller::of_token(claims, arrival))
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
