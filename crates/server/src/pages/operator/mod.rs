//! The pages of our staff.

mod audit;
mod catalog;
mod deliveries;
mod drift;
mod events;
mod health;
mod invoices;
mod keys;
mod overview;
mod search;
mod subscriptions;
mod tenant;
mod tenants;
mod usage;

use std::{str::FromStr, sync::Arc};

use axum::{
    Router,
    routing::{get, post},
};
use serde::Deserialize;

use crate::{app::App, error::Result, http::extract::cursor};

/// Where a list goes on: what its page's address says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    cursor: Option<String>,
}

impl Place {
    fn before<Row: FromStr>(&self) -> Result<Option<Row>> {
        cursor(self.cursor.as_deref())
    }
}

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/pages/overview", get(overview::show))
        .route("/pages/tenants", get(tenants::list))
        .route("/pages/tenants/{tenant_id}", get(tenant::show))
        .route("/pages/tenants/{tenant_id}/suspend", post(tenant::suspend))
        .route("/pages/tenants/{tenant_id}/reactivate", post(tenant::reactivate))
        .route("/pages/tenants/{tenant_id}/plan", post(tenant::change_plan))
        .route("/pages/tenants/{tenant_id}/replay", post(tenant::replay))
        .route("/pages/subscriptions", get(subscriptions::list))
        .route("/pages/invoices", get(invoices::list))
        .route("/pages/usage", get(usage::show))
        .route("/pages/deliveries", get(deliveries::list))
        .route("/pages/deliveries/{id}", get(deliveries::show))
        .route("/pages/deliveries/{id}/replay", post(deliveries::replay))
        .route("/pages/drift", get(drift::list))
        .route("/pages/drift/compare", post(drift::compare))
        .route("/pages/drift/{id}/resolve", post(drift::resolve))
        .route("/pages/events", get(events::list))
        .route("/pages/audit", get(audit::list))
        .route("/pages/keys", get(keys::list).post(keys::make))
        .route("/pages/keys/{id}/revoke", post(keys::revoke))
        .route("/pages/health", get(health::show))
        .route("/pages/catalog", get(catalog::list))
}
