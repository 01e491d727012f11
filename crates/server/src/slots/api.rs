//! Slots over HTTP: list, claim, release.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{SlotId, TenantId},
    plan::is_code,
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    actions::{self, Claimed},
    queries::{self, Slot},
};
use crate::{
    app::App,
    db::Page,
    error::{Error, FieldProblem, Problem, Result, invalid, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, Query, TenantPath, bounded, cursor},
    },
    tenants::actions as tenants,
};

const RESOURCE_ID_LENGTH_MAX: usize = 200;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, claim)).routes(routes!(release))
}

/// A slot that a resource holds.
#[derive(Serialize, ToSchema)]
pub struct SlotView {
    #[schema(value_type = String)]
    id: SlotId,
    /// The tier's code.
    tier: String,
    /// What the application calls the resource.
    resource_id: String,
    claimed_by: String,
    #[schema(value_type = String)]
    claimed_at: Timestamp,
}

impl From<Slot> for SlotView {
    fn from(slot: Slot) -> Self {
        Self {
            id: slot.id,
            tier: slot.tier,
            resource_id: slot.resource_id,
            claimed_by: slot.claimed_by,
            claimed_at: slot.claimed_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Only slots of this tier
    tier: Option<String>,
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// The slots that a tenant's resources hold, newest first
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/slots", tag = "slots",
    params(("tenant_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<SlotView>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<SlotView>>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    let limit = bounded(query.limit, 20)?;
    let tier = query.tier.as_deref();
    if tier.is_some_and(|tier| !is_code(tier)) {
        return Err(invalid("tier", NOT_A_TIER));
    }
    let before = cursor(query.cursor.as_deref())?;
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, tenant.id, tier, before, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), SlotView::from)))
}

/// Which resource wants a slot, and of which tier.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimSlot {
    /// The tier's code, as the plans have it.
    tier: String,
    /// What the application calls the resource; 1 to 200 bytes.
    resource_id: String,
}

const NOT_A_TIER: &str = "must be the code of a tier: 1 to 40 lower-case letters, digits and `_`";

/// Claim a slot for a resource
///
/// 201 where it was given now, 200 where the resource held it already.
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/slots", tag = "slots",
    params(("tenant_id" = String, Path)), request_body = ClaimSlot,
    responses((status = 200, body = SlotView), (status = 201, body = SlotView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn claim(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<SlotView>)> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::RecordUsage)?).await?;
    let request: ClaimSlot = body.read()?;
    let problems = problems(&request);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let wanted = (request.tier.as_str(), request.resource_id.as_str());
    let id = SlotId::from_uuid(work.0);
    Ok(match actions::claim(&app, &caller.origin(), &tenant, wanted, id).await? {
        Claimed::Now(slot) => (StatusCode::CREATED, Json(slot.into())),
        Claimed::Before(slot) => (StatusCode::OK, Json(slot.into())),
    })
}

fn problems(request: &ClaimSlot) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: &str| {
        problems.push(FieldProblem { field: field.to_owned(), message: message.to_owned() });
    };
    if !is_code(&request.tier) {
        refuse("tier", NOT_A_TIER);
    }
    if !is_resource_id(&request.resource_id) {
        refuse("resource_id", "must be 1 to 200 bytes without control characters");
    }
    problems
}

fn is_resource_id(text: &str) -> bool {
    (1..=RESOURCE_ID_LENGTH_MAX).contains(&text.len()) && !text.contains(char::is_control)
}

/// Release the slot of a resource
///
/// Releasing what is not held changes nothing, and is answered in the same way.
#[utoipa::path(delete, path = "/api/v1/billing/tenants/{tenant_id}/slots/{tier}/{resource_id}", tag = "slots",
    params(("tenant_id" = String, Path), ("tier" = String, Path), ("resource_id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
async fn release(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: Result<Path<(String, String, String)>, PathRejection>,
) -> Result<StatusCode> {
    let Path((tenant, tier, resource)) = path.map_err(|_| not_found("slot", "(not readable)"))?;
    let id: TenantId = tenant.parse().map_err(|_| not_found("tenant", &tenant))?;
    let tenant = tenants::get(&app, caller.tenant(id, Permission::RecordUsage)?).await?;
    // What cannot be claimed is not held.
    if is_code(&tier) && is_resource_id(&resource) {
        actions::release(&app, &caller.origin(), tenant.id, &tier, &resource).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
