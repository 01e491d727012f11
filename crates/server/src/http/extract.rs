//! JSON, path and query, refusing in our own words.

use std::{str::FromStr, sync::Arc};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::BytesRejection},
    http::{StatusCode, request::Parts},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;
use tollhouse_domain::{
    id::TenantId,
    price::Interval,
    time::{InvalidTimestamp, Timestamp},
};

use crate::{
    app::App,
    error::{Error, invalid, not_found},
};

/// A body that is read as JSON when the handler asks: first who may, then what is wanted.
pub struct JsonBody(Bytes);

impl FromRequest<Arc<App>> for JsonBody {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Error> {
        read_body(request, app).await.map(Self)
    }
}

impl JsonBody {
    /// Reads it. An empty body is `{}`: what is missing is then named field by field.
    ///
    /// # Errors
    /// `Malformed` for what is no JSON; `Invalid`, with the place, for unknown fields and wrong types.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        read_json(if self.0.is_empty() { b"{}" } else { &self.0 })
    }
}

/// A field that may be left out, or be `null` on purpose; with `#[serde(default)]`.
#[derive(Default)]
pub enum Patched<T> {
    /// It stays as it is.
    #[default]
    LeftOut,
    /// `None` takes it away.
    Given(Option<T>),
}

impl<T> Patched<T> {
    /// What is to be there, where anything is.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Given(value) => value.as_ref(),
            Self::LeftOut => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patched<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::Given)
    }
}

/// Reads JSON of a request.
///
/// # Errors
/// As [`JsonBody::read`].
pub fn read_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    // Postgres keeps no text with it, and nobody means it.
    if json.windows(6).any(|escape| escape == br"\u0000") {
        return Err(invalid("", "must not contain the character NUL"));
    }
    serde_json::from_slice(json).map_err(|error| {
        if error.is_data() {
            invalid(&field_named_in(&error), error.to_string())
        } else {
            Error::Malformed(error.to_string())
        }
    })
}

/// The whole body, bounded.
pub async fn read_body(request: Request, app: &Arc<App>) -> Result<Bytes, Error> {
    Bytes::from_request(request, app).await.map_err(|rejection| body_refused(&rejection, app))
}

fn body_refused(rejection: &BytesRejection, app: &App) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::TooLarge { limit_bytes: app.config.server.body_bytes_max };
    }
    Error::Malformed("the connection ended before the body did".to_owned())
}

/// serde names a missing or unknown field between backticks.
fn field_named_in(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let names_field = message.starts_with("missing field") || message.starts_with("unknown field");
    let name = message.split('`').nth(1).filter(|_| names_field);
    name.unwrap_or_default().to_owned()
}

/// The query string, where unknown parameters are refused as typos.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, Error> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|rejection| invalid("query", rejection.body_text()))
    }
}

/// The `{tenant_id}` of a path. What is not a UUID is a tenant that does not exist.
pub struct TenantPath(pub TenantId);

impl FromRequestParts<Arc<App>> for TenantPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let text = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| not_found("tenant", "(not readable)"))?;
        text.parse().map(Self).map_err(|_| not_found("tenant", text.as_str()))
    }
}

/// A number as the caller wrote it, digit by digit: a JSON number, or the same as text. No float.
pub struct Digits(pub String);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        serde_json::from_str(text).map(Self).map_err(|_| D::Error::custom("must be a number"))
    }
}

/// A moment as the caller wrote it, where it did.
pub fn moment(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Error> {
    let unreadable = |error: InvalidTimestamp| invalid(field, error.to_string());
    text.map(|text| text.parse().map_err(unreadable)).transpose()
}

/// Where a list goes on, as an earlier answer gave it.
pub fn cursor<Place: FromStr>(text: Option<&str>) -> Result<Option<Place>, Error> {
    text.map(|text| text.parse().map_err(|_| invalid("cursor", "is not one of ours"))).transpose()
}

/// The length of a period, where one was named.
pub fn interval(text: Option<&str>) -> Result<Option<Interval>, Error> {
    let unknown = |_| invalid("interval", "must be `month` or `year`");
    text.map(str::parse).transpose().map_err(unknown)
}

/// How many rows a list gives: from 1 to 100.
pub fn bounded(limit: Option<i64>, default: i64) -> Result<i64, Error> {
    let limit = limit.unwrap_or(default);
    if (1..=100).contains(&limit) {
        Ok(limit)
    } else {
        Err(invalid("limit", "must be from 1 to 100"))
    }
}
