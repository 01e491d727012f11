//! Entitlements over HTTP: what a tenant has, whether it may, and holding what it is to use.

mod check;
mod reservations;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(check::list))
        .routes(routes!(check::check))
        .routes(routes!(reservations::reserve))
        .routes(routes!(reservations::settle))
        .routes(routes!(reservations::release))
}
