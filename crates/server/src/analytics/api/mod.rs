//! What an operator is shown, over HTTP.

mod charges;
mod customers;
mod stats;
mod subscriptions;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(stats::stats))
        .routes(routes!(customers::customers))
        .routes(routes!(subscriptions::subscriptions))
        .routes(routes!(charges::recent_charges))
}
