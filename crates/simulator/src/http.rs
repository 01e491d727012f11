//! The same world at Stripe's own paths.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri},
    routing::any,
};
use bytes::Bytes;
use http_body::Frame;
use serde_json::Value;
use tollhouse_stripe::form;

use crate::{
    Simulator,
    world::{Incoming, Silence},
};

pub fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/v1/{*path}", any(call))
        .route("/v2/{*path}", any(call))
        .with_state(simulator)
}

async fn call(
    State(simulator): State<Simulator>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let mut pairs = form::decode(uri.query().unwrap_or_default());
    pairs.extend(pairs_of_body(header("content-type"), &body));
    let incoming = Incoming {
        method: method.as_str().to_owned(),
        path: uri.path().to_owned(),
        pairs,
        secret_key: header("authorization").and_then(secret_key),
        idempotency_key: header("idempotency-key").map(str::to_owned),
        version: header("stripe-version").map(str::to_owned),
    };
    let mut response = Response::builder();
    let (status, body) = match simulator.with(|world| world.call(&incoming)) {
        Ok(reply) => {
            for (name, value) in reply.headers {
                response = response.header(name, value);
            }
            (reply.status, Body::from(reply.body))
        }
        // Over a socket, saying nothing is as good as hanging up, and leaves no connection open.
        Err(Silence::BeforeWork) => (503, Body::empty()),
        Err(Silence::AfterWork) => (500, Body::empty()),
        Err(Silence::HalfWay) => {
            response = response.header("content-type", "application/json");
            (200, Body::new(CutShort::default()))
        }
    };
    response.status(status).body(body).unwrap_or_else(|_| {
        let mut broken = Response::new(Body::empty());
        *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

/// The beginning of an answer, and then the connection closes.
#[derive(Default)]
struct CutShort {
    has_begun: bool,
}

impl HttpBody for CutShort {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.has_begun {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        self.has_begun = true;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{\"id\": \"")))))
    }
}

/// A form, or what version 2 of the API takes: JSON, read as the form that says the same.
fn pairs_of_body(content_type: Option<&str>, body: &[u8]) -> Vec<(String, String)> {
    if content_type.is_some_and(|kind| kind.starts_with("application/json")) {
        let mut pairs = Vec::new();
        flatten(String::new(), &serde_json::from_slice(body).unwrap_or_default(), &mut pairs);
        return pairs;
    }
    form::decode(&String::from_utf8_lossy(body))
}

fn flatten(name: String, value: &Value, pairs: &mut Vec<(String, String)>) {
    let inside =
        |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| flatten(inside(key), field, pairs));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| flatten(inside(&index.to_string()), item, pairs));
        }
        Value::String(text) => pairs.push((name, text.clone())),
        Value::Bool(_) | Value::Number(_) => pairs.push((name, value.to_string())),
    }
}

/// The key of `Bearer sk_test_…`, or the user name of `Basic …` as curl sends it.
fn secret_key(header: &str) -> Option<String> {
    let (scheme, credentials) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(base64(credentials.trim())?).ok()?;
    decoded.split(':').next().map(str::to_owned)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_the_same_as_a_form() {
        let json = br#"{"events":[{"payload":{"value":"1"},"n":2,"b":true,"none":null}]}"#;
        let pairs = pairs_of_body(Some("application/json; charset=utf-8"), json);
        let form = b"events[0][b]=true&events[0][n]=2&events[0][payload][value]=1";
        let mut expected = pairs_of_body(Some("application/x-www-form-urlencoded"), form);
        let mut pairs = pairs;
        pairs.sort();
        expected.sort();
        assert_eq!(pairs, expected);
        assert_eq!(pairs_of_body(Some("application/json"), b"{"), []);
    }

    #[test]
    fn keys_are_read_as_sdks_and_curl_send_them() {
        assert_eq!(secret_key("Bearer sk_test_1").as_deref(), Some("sk_test_1"));
        // curl -u sk_test_abc:
        assert_eq!(secret_key("Basic c2tfdGVzdF9hYmM6").as_deref(), Some("sk_test_abc"));
        assert_eq!(secret_key("Digest x"), None);
        assert_eq!(secret_key("Basic !"), None);
    }
}
