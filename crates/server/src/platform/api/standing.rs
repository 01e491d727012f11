//! Suspending a tenant, letting it go on, terminating it.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, id::TenantId, tenant::TenantStatus};
use utoipa::ToSchema;

use super::view::{TenantDetail, detail};
use crate::{
    app::App,
    error::{Problem, Result, invalid},
    http::{
        auth::Caller,
        extract::{JsonBody, TenantPath},
    },
    platform::actions::stand,
    tenants::actions as tenants,
};

const REASON_LENGTH_MAX: usize = 500;

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// For the history and the audit; 1 to 500 bytes.
    reason: String,
}

/// Suspend a tenant: access ends at once, and nothing is collected until it is reactivated
#[utoipa::path(post, path = "/api/v1/stripe/tenants/{tenant_id}/suspend", tag = "tenants",
    params(("tenant_id" = String, Path)), request_body = Reason,
    responses((status = 200, body = TenantDetail), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn suspend(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(id): TenantPath,
    body: JsonBody,
) -> Result<Json<TenantDetail>> {
    let id = caller.tenant(id, Permission::ManageTenants)?;
    tenants::get(&app, id).await?;
    let reason = reason(body.read()?)?;
    to(&app, &caller, id, TenantStatus::Suspended, Some(reason)).await
}

/// Let a suspended tenant go on, as it was
#[utoipa::path(post, path = "/api/v1/stripe/tenants/{tenant_id}/reactivate", tag = "tenants",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = TenantDetail), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn reactivate(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(id): TenantPath,
) -> Result<Json<TenantDetail>> {
    let id = caller.tenant(id, Permission::ManageTenants)?;
    to(&app, &caller, id, TenantStatus::Active, None).await
}

/// Terminate a tenant, for good: its subscriptions end at once, and its retention begins
#[utoipa::path(post, path = "/api/v1/stripe/tenants/{tenant_id}/terminate", tag = "tenants",
    params(("tenant_id" = String, Path)), request_body = Reason,
    responses((status = 200, body = TenantDetail), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn terminate(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(id): TenantPath,
    body: JsonBody,
) -> Result<Json<TenantDetail>> {
    let id = caller.tenant(id, Permission::ManageTenants)?;
    tenants::get(&app, id).await?;
    let reason = reason(body.read()?)?;
    to(&app, &caller, id, TenantStatus::Terminated, Some(reason)).await
}

fn reason(request: Reason) -> Result<String> {
    let fits = (1..=REASON_LENGTH_MAX).contains(&request.reason.len());
    if fits && !request.reason.trim().is_empty() {
        return Ok(request.reason);
    }
    Err(invalid("reason", "must be 1 to 500 bytes"))
}

async fn to(
    app: &App,
    caller: &Caller,
    id: TenantId,
    status: TenantStatus,
    reason: Option<String>,
) -> Result<Json<TenantDetail>> {
    let tenant = stand(app, &caller.origin(), id, status, reason).await?;
    Ok(Json(detail(app, tenant).await?))
}
