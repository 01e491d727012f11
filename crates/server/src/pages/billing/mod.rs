//! The pages of a tenant's own people. They name no tenant: they show that of whoever looks.

mod account;
mod buying;
mod cards;
mod change;
mod ending;
mod offers;
mod usage;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, header},
    routing::{get, post},
};
use tollhouse_domain::actor::Permission;

use super::visitor::Visitor;
use crate::{
    app::App,
    error::Result,
    tenants::{actions as tenants, queries::Tenant},
};

/// The first of them.
pub const HOME: &str = "/pages/billing";

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(HOME, get(account::show))
        .route("/pages/billing/plan", get(change::choose).post(change::confirm))
        .route("/pages/billing/plan/preview", get(change::preview))
        .route("/pages/billing/plan/pending", post(change::drop_pending))
        .route("/pages/billing/checkout", post(buying::checkout))
        .route("/pages/billing/addons", post(buying::add))
        .route("/pages/billing/addons/end", post(buying::end))
        .route("/pages/billing/cards", get(cards::list))
        .route("/pages/billing/cards/default", post(cards::make_default))
        .route("/pages/billing/cards/remove", post(cards::remove))
        .route("/pages/billing/portal", post(cards::portal))
        .route("/pages/billing/cancel", get(ending::ask).post(ending::cancel))
        .route("/pages/billing/resume", post(ending::resume))
}

/// The tenant whose person it is.
async fn own(app: &App, visitor: &Visitor, permission: Permission) -> Result<Tenant> {
    tenants::get(app, visitor.caller.own_tenant(permission)?).await
}

/// Whether they may do more than look.
fn may_manage(visitor: &Visitor) -> bool {
    visitor.caller.own_tenant(Permission::ManageBilling).is_ok()
}

/// The address of a page as this person's browser knows it, for Stripe to send them back to. `Origin` was
/// compared with the host before; where none was sent, the application's own address stands in.
fn absolute(app: &App, headers: &HeaderMap, path: &str) -> String {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let origin = origin.unwrap_or(&app.config.server.frontend_url).trim_end_matches('/');
    format!("{origin}{path}")
}
