//! Routes that show invoices: in brief, as a list, and one in full.

mod brief;
mod full;
mod list;
mod view;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(brief::list))
        .routes(routes!(list::of_tenant))
        .routes(routes!(list::of_tenant_for_operators))
        .routes(routes!(full::show))
        .routes(routes!(full::lines))
}
