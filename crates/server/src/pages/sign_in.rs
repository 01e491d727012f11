//! Signing in by a token: pasted into the page, or brought by a link; and signing out.
//!
//! A session ends with its token, so a link made with a token of a few minutes opens a page for a few minutes.
//! The link leads on at once: the token stays in no address bar and no history.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{HOME, dress::is_page, form::Form, frame, visitor::Visitor};
use crate::{
    app::App,
    error::{Error, Result},
    http::{
        auth::{Arrival, by_token},
        extract::Query,
        session_cookie,
    },
    sessions::actions::{begin, end},
};

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/pages/sign-in", get(show).post(sign_in))
        .route("/pages/enter", get(enter))
        .route("/pages/sign-out", post(sign_out))
}

#[derive(Deserialize)]
struct Wanted {
    /// The page to go on to; the first one where absent.
    next: Option<String>,
}

async fn show(Query(wanted): Query<Wanted>, visitor: Result<Visitor>) -> Response {
    let next = safe(wanted.next.as_deref());
    match visitor {
        Ok(_) => Redirect::to(next).into_response(),
        Err(_) => Html(page(next, None).into_string()).into_response(),
    }
}

fn page(next: &str, refused: Option<&str>) -> Markup {
    frame::bare(
        "Sign in",
        &html! {
            h1 { "Sign in" }
            p { "Paste a token. It is checked once; your browser keeps a session, not the token." }
            @if let Some(why) = refused { p.alert role="alert" { (why) } }
            form.card method="post" action="/pages/sign-in" {
                input type="hidden" name="next" value=(next);
                label for="token" { "Token" }
                input #token name="token" type="password" required autofocus autocomplete="off"
                    spellcheck="false";
                button type="submit" { "Sign in" }
            }
            p.quiet {
                "An operator makes one with " code { "tollhouse token --role operator" }
                "; customers come from their application."
            }
        },
    )
}

async fn sign_in(State(app): State<Arc<App>>, arrival: Arrival, form: Form) -> Result<Response> {
    let next = safe(form.find("next"));
    match session(&app, arrival, form.find("token").unwrap_or_default()).await {
        Ok(cookie) => Ok((cookie, Redirect::to(next)).into_response()),
        Err(Error::Unauthenticated(why)) => {
            let html = Html(page(next, Some(why)).into_string());
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
        }
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
struct Brought {
    token: String,
    next: Option<String>,
}

/// The link by which an application sends its people here.
async fn enter(
    State(app): State<Arc<App>>,
    arrival: Arrival,
    Query(brought): Query<Brought>,
) -> Result<Response> {
    let next = safe(brought.next.as_deref());
    match session(&app, arrival, &brought.token).await {
        Ok(cookie) => Ok((cookie, Redirect::to(next)).into_response()),
        Err(Error::Unauthenticated(_)) => {
            let why = "The link is no longer good: ask for another one where you got it.";
            Ok(Html(page(next, Some(why)).into_string()).into_response())
        }
        Err(error) => Err(error),
    }
}

/// A cookie to be kept or dropped by the browser.
type Cookie = [(HeaderName, String); 1];

async fn session(app: &App, arrival: Arrival, token: &str) -> Result<Cookie> {
    let caller = by_token(app, arrival, token).await?;
    let (session, secret) = begin(app, &caller.origin(), caller.bearer()?).await?;
    let lives = session.ends_at.as_second() - session.began_at.as_second();
    Ok([(header::SET_COOKIE, session_cookie::kept(&app.config.session, &secret, lives))])
}

async fn sign_out(State(app): State<Arc<App>>, visitor: Visitor) -> Result<(Cookie, Redirect)> {
    let (session, _) = visitor.caller.session()?;
    end(&app, &visitor.caller.origin(), session).await?;
    let cookie = session_cookie::dropped(&app.config.session);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/pages/sign-in")))
}

/// A page of ours; a link from elsewhere may not use us to lead people away.
fn safe(next: Option<&str>) -> &str {
    next.filter(|next| is_page(next)).unwrap_or(HOME)
}
