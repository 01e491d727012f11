//! Where Stripe sends events, and where our staff looks at what became of them.

mod ledger;
mod receive;
mod replay;

pub use ledger::{DeliveryView, FullDelivery};
pub use receive::router;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// For our staff.
pub fn staff_router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(ledger::list))
        .routes(routes!(ledger::counts))
        .routes(routes!(ledger::show))
        .routes(routes!(replay::replay_many))
        .routes(routes!(replay::replay_one))
}
