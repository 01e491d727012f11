//! Coupons and promotion codes over HTTP, for operators.

mod coupons;
mod promotion_codes;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use tollhouse_domain::time::Timestamp;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::{Error, not_found},
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(coupons::list, coupons::create))
        .routes(routes!(coupons::remove))
        .routes(routes!(promotion_codes::list, promotion_codes::create))
        .routes(routes!(promotion_codes::update))
}

/// One of Stripe's ids in a path. What cannot be one does not exist.
struct IdPath(String);

impl FromRequestParts<Arc<App>> for IdPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let text = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| not_found("discount", "(not readable)"))?;
        if is_id(&text) { Ok(Self(text.0)) } else { Err(not_found("discount", &text.0)) }
    }
}

const ID_LENGTH_MAX: usize = 100;

fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=ID_LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// Stripe's time; the beginning of time for what is none.
fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MIN)
}
