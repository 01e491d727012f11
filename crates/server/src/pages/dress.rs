//! What is done to every request for a page and to every answer: forms are read, problems become pages, and the
//! browser is told what a page may load.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use url::{Url, form_urlencoded};

use super::{form::Form, frame};
use crate::{
    app::App,
    error::{Error, Failed, Result},
    http::RequestId,
};

const FORM: &str = "application/x-www-form-urlencoded";
const FORM_BYTES_MAX: usize = 64 * 1024;

/// The layer around all pages, outside of what finds out who is asking.
pub async fn dress(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let back = came_from(request.headers());
    let mut response = match with_form(request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    if response.status() == StatusCode::UNAUTHORIZED && method == Method::GET {
        response = to_sign_in(&uri);
    }
    if let Some(failed) = response.extensions_mut().get_mut::<Failed>() {
        failed.rendered = true;
        failed.problem.request_id = request_id.unwrap_or_default();
        let page = frame::problem(&failed.problem, &back);
        *response.body_mut() = Body::from(page.into_string());
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
    }
    protect(&app, &uri, response.headers_mut());
    response
}

/// A form cannot send a header: its field `csrf_token` is taken for the one that scripts send.
async fn with_form(request: Request) -> Result<Request> {
    let is_form = request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == FORM);
    if !is_form {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, FORM_BYTES_MAX).await;
    let body = body.map_err(|_| Error::TooLarge { limit_bytes: FORM_BYTES_MAX })?;
    let form = Form::read(&body)?;
    if let Some(token) = form.find("csrf_token").and_then(|token| HeaderValue::from_str(token).ok())
    {
        parts.headers.insert(HeaderName::from_static("x-csrf-token"), token);
    }
    parts.extensions.insert(form);
    Ok(Request::from_parts(parts, Body::empty()))
}

/// The path of the page that a request came from, where it was one of ours.
fn came_from(headers: &HeaderMap) -> String {
    let from = headers.get(header::REFERER).and_then(|from| from.to_str().ok());
    let from = from.and_then(|from| Url::parse(from).ok()).map(|url| url.path().to_owned());
    from.filter(|path| is_page(path)).unwrap_or_else(|| super::HOME.to_owned())
}

/// Whether a path leads to one of the pages, and nowhere else.
pub fn is_page(path: &str) -> bool {
    path == super::HOME || path.starts_with("/pages/")
}

fn to_sign_in(uri: &Uri) -> Response {
    let wanted = uri.path_and_query().map_or(super::HOME, |wanted| wanted.as_str());
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("next", wanted).finish();
    Redirect::to(&format!("/pages/sign-in?{query}")).into_response()
}

/// Says what a page may load, where its forms may lead, and who may frame it: the application's own pages.
fn protect(app: &App, uri: &Uri, headers: &mut HeaderMap) {
    let origin_of = |url: &str| Url::parse(url).map(|url| url.origin().ascii_serialization());
    let frames = match origin_of(&app.config.server.frontend_url) {
        Ok(origin) if is_for_tenants(uri.path()) => format!("'self' {origin}"),
        _ => "'none'".to_owned(),
    };
    // Buttons lead on to Stripe's own pages, or to those of what stands in its place.
    let stripe = origin_of(&app.config.stripe.api_base).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
         base-uri 'none'; form-action 'self' https: {stripe}; frame-ancestors {frames}"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in
        [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::REFERRER_POLICY, "same-origin")]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn is_for_tenants(path: &str) -> bool {
    path.starts_with("/pages/billing") || path == "/pages/enter"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_back_to_pages_of_ours_alone() {
        for (from, expected) in [
            (Some("http://here/pages/tenants?text=a"), "/pages/tenants"),
            (Some("http://here/pages"), "/pages"),
            (Some("http://elsewhere/pagesque"), "/pages"),
            (Some("nonsense"), "/pages"),
            (None, "/pages"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(from) = from {
                headers.insert(header::REFERER, HeaderValue::from_static(from));
            }
            assert_eq!(came_from(&headers), expected, "{from:?}");
        }
    }
}
