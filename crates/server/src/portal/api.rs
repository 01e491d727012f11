//! The portal, at the paths of two systems.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, id::TenantId};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::actions;
use crate::{
    app::App,
    error::{Problem, Result, invalid},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, TenantPath},
        redirect::{URL_LENGTH_MAX, may_redirect_to},
    },
    tenants::actions as tenants,
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(open_own)).routes(routes!(open))
}

/// Where to come back to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePortalSession {
    /// Only to a host of ours. May be left out where `STRIPE_PORTAL_RETURN_URL` is set.
    return_url: Option<String>,
}

/// Where to send the customer.
#[derive(Serialize, ToSchema)]
pub struct PortalSessionView {
    url: String,
}

/// Open the billing portal for the caller's tenant
#[utoipa::path(post, path = "/api/v1/customer/billing/portal-session", tag = "portal",
    request_body = CreatePortalSession,
    responses((status = 200, body = PortalSessionView), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 502, body = Problem), (status = 503, body = Problem)))]
async fn open_own(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<Json<PortalSessionView>> {
    let tenant = caller.own_tenant(Permission::ManageBilling)?;
    session(&app, &caller, tenant, work, &body).await
}

/// Open the billing portal for a tenant
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/portal", tag = "portal",
    params(("tenant_id" = String, Path)), request_body = CreatePortalSession,
    responses((status = 200, body = PortalSessionView), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 502, body = Problem), (status = 503, body = Problem)))]
async fn open(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<Json<PortalSessionView>> {
    let tenant = caller.tenant(tenant, Permission::ManageBilling)?;
    session(&app, &caller, tenant, work, &body).await
}

async fn session(
    app: &App,
    caller: &Caller,
    tenant: TenantId,
    work: Work,
    body: &JsonBody,
) -> Result<Json<PortalSessionView>> {
    let tenant = tenants::get(app, tenant).await?;
    let request: CreatePortalSession = body.read()?;
    let return_url = match request.return_url {
        Some(url) if url.len() > URL_LENGTH_MAX => {
            return Err(invalid("return_url", "must be at most 500 bytes"));
        }
        Some(url) if !may_redirect_to(&url, &app.config.server) => {
            return Err(invalid("return_url", "must lead to a host of ours"));
        }
        Some(url) => url,
        None => app.config.stripe.portal_return_url.clone().ok_or_else(|| {
            invalid("return_url", "is needed: `STRIPE_PORTAL_RETURN_URL` is not set")
        })?,
    };
    let session = actions::open(app, &caller.origin(), &tenant, return_url, work.0).await?;
    Ok(Json(PortalSessionView { url: session.url }))
}
