//! One request under construction, and its answer.

use std::future::{Future, IntoFuture};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, request::Builder},
};
use serde_json::Value;
use std::pin::Pin;
use tower::ServiceExt;

use super::TestApp;

/// A request; awaiting it sends it.
pub struct Call<'a> {
    app: &'a TestApp,
    request: Builder,
    body: Body,
}

impl<'a> Call<'a> {
    pub fn new(app: &'a TestApp, method: &'static str, path: &str) -> Self {
        Self { app, request: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// What a browser sends of a form.
    pub fn form(mut self, fields: &str) -> Self {
        self.body = Body::from(fields.to_owned());
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    pub fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    pub fn text(mut self, body: &str) -> Self {
        self.body = Body::from(body.to_owned());
        self.header("content-type", "application/json")
    }
}

impl<'a> IntoFuture for Call<'a> {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let request = self.request.body(self.body).unwrap();
        Box::pin(async move { self.app.send(request).await })
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(router: Router, request: Request<Body>) -> Self {
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000_000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Self { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// The body, where the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The status, where it is this one.
    #[track_caller]
    pub fn expect_status(&self, status: u16) -> u16 {
        assert_eq!(self.status, status, "{}", self.text);
        status
    }

    /// The problem, where the status and the code are these.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        let id = self.header("x-request-id");
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], id);
        problem
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).unwrap() }
    }

    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}
