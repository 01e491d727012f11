//! A tenant's subscription over HTTP: `read` shows it, `change` changes it.

mod change;
mod read;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(read::brief))
        .routes(routes!(read::full, change::patch))
        .routes(routes!(change::change))
        .routes(routes!(change::preview))
        .routes(routes!(change::cancel))
        .routes(routes!(change::resume))
}
