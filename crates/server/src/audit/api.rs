//! Who did what, for the operator and for a tenant's admins.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{AuditId, TenantId},
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::queries::{self, AuditEntry};
use crate::{
    app::App,
    db::{Json as Stored, Page},
    error::{Problem, Result, not_found},
    http::{
        auth::Caller,
        extract::{self, Query, TenantPath, bounded},
    },
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(list_of_tenant))
}

/// One thing somebody did.
#[derive(Serialize, ToSchema)]
pub struct AuditEntryView {
    #[schema(value_type = String)]
    id: AuditId,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    /// `checkout_session.created`, `subscription.activated` …
    action: String,
    /// `user`, `stripe` or `system`
    actor_kind: String,
    /// A person's subject; of all others, their kind.
    actor: String,
    request_id: Option<String>,
    subject_kind: String,
    subject_id: String,
    #[schema(value_type = Object)]
    data: Stored,
    #[schema(value_type = String)]
    occurred_at: Timestamp,
    /// Where the request came from; null where nobody asked.
    address: Option<String>,
    /// Its place in the chain of its tenant, or of the platform; null for some seconds.
    number: Option<i64>,
    /// SHA-256 over the entry and the hash before it, in hex.
    hash: Option<String>,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            tenant_id: entry.tenant_id,
            action: entry.action,
            actor_kind: entry.actor_kind,
            actor: entry.actor,
            request_id: entry.request_id,
            subject_kind: entry.subject_kind,
            subject_id: entry.subject_id,
            data: entry.data,
            occurred_at: entry.occurred_at,
            address: entry.address,
            number: entry.number,
            hash: entry.hash.map(hex::encode),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Only what was done to this tenant
    tenant_id: Option<String>,
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// Who did what, newest first
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "audit", params(ListQuery),
    responses((status = 200, body = Page<AuditEntryView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<AuditEntryView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let tenant: Option<TenantId> = match &query.tenant_id {
        Some(id) => Some(id.parse().map_err(|_| not_found("tenant", id))?),
        None => None,
    };
    page(&app, tenant, query.cursor.as_deref(), query.limit).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OwnQuery {
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// Who did what to a tenant, newest first; for its admins and our staff
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/audit", tag = "audit",
    params(("tenant_id" = String, Path), OwnQuery),
    responses((status = 200, body = Page<AuditEntryView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn list_of_tenant(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    Query(query): Query<OwnQuery>,
) -> Result<Json<Page<AuditEntryView>>> {
    let permission =
        if caller.sees_all_tenants() { Permission::Read } else { Permission::ManageBilling };
    let tenant = caller.tenant(tenant, permission)?;
    page(&app, Some(tenant), query.cursor.as_deref(), query.limit).await
}

async fn page(
    app: &App,
    tenant: Option<TenantId>,
    cursor: Option<&str>,
    limit: Option<i64>,
) -> Result<Json<Page<AuditEntryView>>> {
    let limit = bounded(limit, 20)?;
    let before: Option<AuditId> = extract::cursor(cursor)?;
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, tenant, before, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), AuditEntryView::from)))
}
