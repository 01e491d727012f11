//! Usage at Stripe over HTTP: what its meters are told, and what stands behind a line of an invoice.

mod line;
mod meter_events;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(meter_events::list))
        .routes(routes!(meter_events::backlog))
        .routes(routes!(meter_events::settle))
        .routes(routes!(line::usage))
}
