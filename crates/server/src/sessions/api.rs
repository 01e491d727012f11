//! `/api/v1/session`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use serde::Serialize;
use tollhouse_domain::{actor::Role, time::Timestamp};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{actions, queries::Session};
use crate::{
    app::App,
    error::{Problem, Result},
    http::{ShownOnce, auth::Caller, session_cookie},
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(begin, show, end))
}

/// A session as its own browser sees it.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    subject: String,
    #[schema(value_type = String)]
    role: Role,
    tenant_id: Option<String>,
    #[schema(value_type = String)]
    ends_at: Timestamp,
    /// To be sent as `X-CSRF-Token` with every request that changes something.
    csrf_token: String,
}

impl SessionView {
    fn of(session: Session, csrf_token: String) -> Self {
        Self {
            subject: session.subject,
            role: session.role,
            tenant_id: session.tenant,
            ends_at: session.ends_at,
            csrf_token,
        }
    }
}

/// A cookie to be kept or dropped by the browser.
type Cookie = [(HeaderName, String); 1];

/// Begin a session with a token; its cookie is `session_token`
#[utoipa::path(post, path = "/api/v1/session", tag = "credentials",
    responses((status = 201, body = SessionView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
async fn begin(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<(StatusCode, Cookie, Extension<ShownOnce>, Json<SessionView>)> {
    let bearer = caller.bearer()?;
    let (session, secret) = actions::begin(&app, &caller.origin(), bearer).await?;
    let lives = session.ends_at.as_second() - session.began_at.as_second();
    let cookie = session_cookie::kept(&app.config.session, &secret, lives);
    let view = SessionView::of(session, actions::csrf_token(&secret));
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Extension(ShownOnce), Json(view)))
}

/// The session of this request's cookie, with its CSRF token
#[utoipa::path(get, path = "/api/v1/session", tag = "credentials",
    responses((status = 200, body = SessionView), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn show(caller: Caller) -> Result<Json<SessionView>> {
    let (session, csrf_token) = caller.session()?;
    Ok(Json(SessionView::of(session.clone(), csrf_token.to_owned())))
}

/// End the session of this request's cookie
#[utoipa::path(delete, path = "/api/v1/session", tag = "credentials",
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn end(State(app): State<Arc<App>>, caller: Caller) -> Result<(StatusCode, Cookie)> {
    let (session, _) = caller.session()?;
    actions::end(&app, &caller.origin(), session).await?;
    let cookie = session_cookie::dropped(&app.config.session);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}
