//! What happened: a tenant's history, that of all tenants, and the live stream of either.

mod all;
mod history;
mod stream;

pub use all::AnyEventView;
pub use history::EventView;

use std::sync::Arc;

use tollhouse_domain::id::TenantId;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::queries;
use crate::{
    app::App,
    db::Conn,
    error::{Result, not_found},
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(history::history))
        .routes(routes!(all::history_of_all))
        .routes(routes!(stream::stream))
}

/// The tenant's newest number. Creating a tenant is its first event: who has none does not exist.
async fn last_sequence(conn: &mut Conn, tenant: TenantId) -> Result<i64> {
    match queries::last_sequence(conn, tenant).await? {
        0 => Err(not_found("tenant", tenant)),
        newest => Ok(newest),
    }
}
