//! One line per request, at `debug`, and at `error` where it failed on our side; never a body, never a
//! secret. Gives every request its id, counts it and writes problems.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Response, header},
    middleware::Next,
};

use crate::{
    app::App,
    error::{Failed, Problem},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_LENGTH_MAX: usize = 64;

/// The id under which a request stands in the log, in the audit and in its answer.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The outermost layer: takes or makes the id, runs the request, renders a problem, logs a line.
pub async fn log(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response<Body> {
    let id = given_id(&request).unwrap_or_else(|| app.clock.new_id().to_string());
    let method = request.method().clone();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(RequestId(id.clone()));
    let began = app.clock.now();

    let mut response = next.run(request).await;

    let failed = response.extensions_mut().remove::<Failed>();
    let status = response.status().as_u16();
    let microseconds = app.clock.now().as_microsecond() - began.as_microsecond();
    let took = Duration::from_micros(u64::try_from(microseconds).unwrap_or(0));
    app.metrics.answered(method.as_str(), &path, status, took);
    if let Some(code) = failed.as_ref().and_then(denied) {
        app.metrics.denied(code);
    }
    if let Some(Failed { problem, cause: Some(cause), .. }) = &failed {
        tracing::error!(
            request.id = id,
            http.method = %method,
            http.route = path,
            http.status = status,
            duration_us = microseconds,
            error.code = problem.code,
            error.cause = cause,
            "a request failed"
        );
    } else {
        tracing::debug!(
            request.id = id,
            http.method = %method,
            http.route = path,
            http.status = status,
            duration_us = microseconds,
            "a request was answered"
        );
    }
    if let Some(failed) = failed.filter(|failed| !failed.rendered) {
        render(&mut response, failed, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The code of what was refused for who sent it, or how often.
fn denied(failed: &Failed) -> Option<&'static str> {
    let Problem { status, code, .. } = failed.problem;
    (matches!(status, 401 | 403 | 429) || code == "invalid_signature").then_some(code)
}

/// The id the caller gave, where it is short and plain enough to be logged.
fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (plain && (1..=REQUEST_ID_LENGTH_MAX).contains(&id.len())).then(|| id.to_owned())
}

fn render(response: &mut Response<Body>, failed: Failed, id: &str) {
    let mut problem = failed.problem;
    id.clone_into(&mut problem.request_id);
    // A struct of strings and numbers always has a JSON form.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.remove(header::CONTENT_LENGTH);
}
