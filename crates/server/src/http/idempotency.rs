//! The same key gets the same answer.
//!
//! A key is reserved before the work and its answer stored after it. The reservation carries the id that
//! the work will bear; whoever repeats the request after a crash repeats it under that id, so that our
//! tables and Stripe recognise it and nothing is done twice.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use tollhouse_domain::{id, time::Timestamp};
use uuid::Uuid;

use super::{
    auth::caller_of,
    extract::read_body,
    queries::{self, Reservation},
};
use crate::{
    app::App,
    error::{Conflict, Error, Result, invalid},
};

const KEY_LENGTH_MAX: usize = 255;
/// Longer than any request can run: whoever holds a key for longer has died with its process.
const LOCK_SECONDS: i64 = 600;
/// Answers are kept for a day at least.
const KEPT_DAYS: i64 = 2;

/// The id that the work of this request bears: the same at every repetition of it.
#[derive(Clone, Copy, Debug)]
pub struct Work(pub Uuid);

/// On an answer that holds a secret: it is not kept, and who repeats the request does not get it again.
#[derive(Clone, Copy, Debug)]
pub struct ShownOnce;

impl Work {
    /// The id of one item of a request that does many things: as old as the request's own, and the same at
    /// every repetition of it.
    pub fn of_item(self, index: usize) -> Uuid {
        let digest =
            Sha256::new().chain_update(self.0).chain_update(index.to_be_bytes()).finalize();
        let mut random = [0; 10];
        random.copy_from_slice(&digest[..10]);
        let bytes = self.0.as_u128().to_be_bytes();
        let milliseconds = bytes[..6].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        id::v7(milliseconds, random)
    }
}

impl FromRequestParts<Arc<App>> for Work {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let given = parts.extensions.get::<Self>().copied();
        Ok(given.unwrap_or_else(|| Self(app.clock.new_id())))
    }
}

/// Answers a repeated request from the table, and stores the answer of a new one.
pub async fn answer_once(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response> {
    let Some(key) = key_of(&request)? else { return Ok(next.run(request).await) };
    // Without a caller there is nothing to protect: the handler will answer 401.
    let Some(caller) = caller_of(&request) else { return Ok(next.run(request).await) };
    let scope = format!("{} {} {}", caller.scope(), request.method(), request.uri().path());
    let (parts, body) = request.into_parts();
    let body = read_body(Request::from_parts(parts.clone(), body), &app).await?;
    let hash = hex::encode(Sha256::digest(&body));

    let held = match reserve(&app, &scope, &key, &hash).await? {
        Reserved::Mine(held) => held,
        Reserved::Answered(response) => return Ok(response),
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(Work(held.work));
    let response = next.run(request).await;
    settle(&app, &scope, &key, held, response).await
}

fn key_of(request: &Request) -> Result<Option<String>> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(None);
    }
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > KEY_LENGTH_MAX {
        return Err(invalid("Idempotency-Key", "must be 1 to 255 plain characters"));
    }
    Ok(Some(key.to_owned()))
}

/// A key that is ours until then; who took it over in the meantime has another time.
#[derive(Clone, Copy)]
struct Held {
    work: Uuid,
    until: Timestamp,
}

enum Reserved {
    Mine(Held),
    Answered(Response),
}

async fn reserve(app: &App, scope: &str, key: &str, hash: &str) -> Result<Reserved> {
    let now = app.clock.now();
    let wanted = Reservation {
        request_hash: hash.to_owned(),
        work_id: app.clock.new_id(),
        locked_until: now.plus_seconds(LOCK_SECONDS),
        status: None,
        body: None,
    };
    let mut tx = app.db.begin().await?;
    if queries::reserve(&mut tx, scope, key, &wanted, now).await? {
        tx.commit().await?;
        return Ok(Reserved::Mine(Held { work: wanted.work_id, until: wanted.locked_until }));
    }
    let held = queries::get(&mut tx, scope, key).await?;
    if held.request_hash != hash {
        return Err(Error::IdempotencyKeyReused);
    }
    if let (Some(status), Some(body)) = (held.status, held.body) {
        return Ok(Reserved::Answered(stored(status, body)));
    }
    if held.locked_until > now {
        return Err(Error::Conflict(
            Conflict::IdempotencyKeyInUse,
            "A request with this `Idempotency-Key` is still running: wait for its answer."
                .to_owned(),
        ));
    }
    queries::take_over(&mut tx, scope, key, wanted.locked_until).await?;
    tx.commit().await?;
    Ok(Reserved::Mine(Held { work: held.work_id, until: wanted.locked_until }))
}

/// Keeps the answer, or gives the key back where the same request may succeed later, or its answer must not
/// be kept.
async fn settle(
    app: &App,
    scope: &str,
    key: &str,
    held: Held,
    response: Response,
) -> Result<Response> {
    let status = response.status();
    let shown_once = response.extensions().get::<ShownOnce>().is_some();
    let mut tx = app.db.begin().await?;
    if !status.is_success() || shown_once {
        queries::release(&mut tx, scope, key, held.until, app.clock.now()).await?;
        tx.commit().await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|error| Error::Internal(error.into()))?;
    queries::answer(&mut tx, scope, key, held.until, (status.as_u16(), &body)).await?;
    tx.commit().await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn stored(status: i64, body: Vec<u8>) -> Response {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = (status.unwrap_or(StatusCode::OK), Bytes::from(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

/// Drops keys that are past their time.
pub async fn forget_old_keys(app: &App) -> Result<()> {
    let mut tx = app.db.begin().await?;
    queries::forget(&mut tx, app.clock.now().plus_days(-KEPT_DAYS)).await?;
    tx.commit().await?;
    Ok(())
}
