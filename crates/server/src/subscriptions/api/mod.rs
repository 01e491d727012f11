//! A tenant's subscription over HTTP: `read` and `full` show it, `change` changes it, `preview`
//! says what a change would cost.

mod change;
mod full;
mod preview;
mod read;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

pub use change::REASONS;
pub use full::{CardBrief, FullSubscription, card_of, full_view};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(read::brief))
        .routes(routes!(full::full, change::patch))
        .routes(routes!(change::change))
        .routes(routes!(preview::preview))
        .routes(routes!(change::cancel))
        .routes(routes!(change::pause))
        .routes(routes!(change::drop_pending))
        .routes(routes!(change::resume))
}
