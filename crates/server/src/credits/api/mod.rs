//! Credits over HTTP: how they stand, line by line, and giving some.

mod account;
mod grants;
mod summary;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(summary::summary))
        .routes(routes!(account::show))
        .routes(routes!(account::entries))
        .routes(routes!(grants::grant))
}
