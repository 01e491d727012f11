//! Buying over HTTP: `page` sends someone to pay, `direct` and `addons` charge the card on file.

mod addons;
mod direct;
mod page;

use std::sync::Arc;

pub use direct::{RequiresAction, StartedSubscription, TRIAL_DAYS_MAX, shown};
pub use page::QUANTITY_MAX;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(page::config))
        .routes(routes!(page::create))
        .routes(routes!(direct::start))
        .routes(routes!(addons::list, addons::buy))
        .routes(routes!(addons::end))
}
