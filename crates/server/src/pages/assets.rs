//! The stylesheet and the script, from the binary itself.

use std::sync::Arc;

use axum::{Router, http::header, response::IntoResponse, routing::get};

use crate::app::App;

/// Another version of the program is another address, so that browsers may keep what they have.
pub const STYLE: &str = concat!("/pages/style.css?", env!("CARGO_PKG_VERSION"));
pub const SCRIPT: &str = concat!("/pages/live.js?", env!("CARGO_PKG_VERSION"));

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/pages/style.css", get(async || asset("text/css", include_str!("style.css"))))
        .route("/pages/live.js", get(async || asset("text/javascript", include_str!("live.js"))))
}

fn asset(kind: &str, text: &'static str) -> impl IntoResponse {
    let kind = format!("{kind}; charset=utf-8");
    let kept = "public, max-age=3600".to_owned();
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], text)
}
