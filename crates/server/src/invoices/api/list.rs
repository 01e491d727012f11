//! A tenant's invoices, page by page.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use tollhouse_domain::{
    actor::Permission,
    id::{InvoiceId, TenantId},
};
use utoipa::IntoParams;

use super::view::InvoiceView;
use crate::{
    app::App,
    db::Page,
    error::{Problem, Result, invalid},
    http::{
        auth::Caller,
        extract::{Query, TenantPath, bounded},
    },
    invoices::queries,
    tenants::actions as tenants,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// The invoices of a tenant, newest first
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/invoices", tag = "invoices",
    params(("tenant_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<InvoiceView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn of_tenant(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<InvoiceView>>> {
    page(&app, caller.tenant(tenant, Permission::Read)?, &query).await
}

/// The invoices of a tenant, newest first, for our staff
#[utoipa::path(get, path = "/api/v1/stripe/tenants/{tenant_id}/invoices", tag = "invoices",
    params(("tenant_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<InvoiceView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn of_tenant_for_operators(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<InvoiceView>>> {
    page(&app, caller.tenant(tenant, Permission::ReadAnyTenant)?, &query).await
}

async fn page(app: &App, tenant: TenantId, query: &ListQuery) -> Result<Json<Page<InvoiceView>>> {
    let tenant = tenants::get(app, tenant).await?;
    let limit = bounded(query.limit, 20)?;
    let not_ours = || invalid("cursor", "is not one of ours");
    let mut conn = app.db.read().await?;
    let mut after = None;
    if let Some(cursor) = &query.cursor {
        let id: InvoiceId = cursor.parse().map_err(|_| not_ours())?;
        // A draft may be deleted between two pages; its row stays, and so does its place.
        if !queries::is_known(&mut conn, tenant.id, id).await? {
            return Err(not_ours());
        }
        after = Some(id);
    }
    let rows = queries::list(&mut conn, tenant.id, after, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), InvoiceView::from)))
}
