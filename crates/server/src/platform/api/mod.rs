//! What an operator does, over HTTP: `tenants` lists and shows them, `create` and `bulk` make them, `patch`,
//! `standing` and `plan` change them, `subscriptions` acts on a tenant's behalf, `renewals` says where that may be needed.

mod bulk;
mod create;
mod patch;
mod plan;
mod renewals;
mod standing;
mod subscriptions;
mod tenants;
mod view;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create::create, tenants::list))
        .routes(routes!(bulk::create_many))
        .routes(routes!(bulk::start_many))
        .routes(routes!(tenants::show, patch::patch))
        .routes(routes!(plan::change))
        .routes(routes!(standing::suspend))
        .routes(routes!(standing::reactivate))
        .routes(routes!(standing::terminate))
        .routes(routes!(renewals::renewal_needed))
        .routes(routes!(subscriptions::start))
        .routes(routes!(subscriptions::cancel))
}
