//! Moving a tenant to another plan.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use tollhouse_domain::actor::Permission;
use utoipa::ToSchema;

use super::view::{TenantDetail, detail};
use crate::{
    app::App,
    error::{Problem, Result, invalid},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, TenantPath, interval},
    },
    platform::actions::{PlanChange, When, change_plan},
    tenants::actions as tenants,
};

/// The plan a tenant is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutPlan {
    plan: String,
    /// `month` or `year`; as it is, where absent and there is a subscription.
    interval: Option<String>,
    /// `now` where absent; `period_end`: nothing is prorated. A plan without a price comes at the period's end
    /// where nothing is said.
    when: Option<String>,
}

/// Move a tenant to a plan: change its subscription, begin one where it has none, or end it for a free plan
#[utoipa::path(put, path = "/api/v1/stripe/tenants/{tenant_id}/plan", tag = "tenants",
    params(("tenant_id" = String, Path)), request_body = PutPlan,
    responses((status = 200, body = TenantDetail), (status = 401, body = Problem), (status = 402, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(id): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<Json<TenantDetail>> {
    let id = caller.tenant(id, Permission::ManageTenants)?;
    tenants::get(&app, id).await?;
    let request: PutPlan = body.read()?;
    let interval = interval(request.interval.as_deref())?;
    let when = match request.when.as_deref() {
        None => None,
        Some("now") => Some(When::Now),
        Some("period_end") => Some(When::PeriodEnd),
        Some(_) => return Err(invalid("when", "must be `now` or `period_end`")),
    };
    let wanted = PlanChange { plan: request.plan, interval, when };
    Box::pin(change_plan(&app, &caller.origin(), id, work.0, wanted)).await?;
    let tenant = tenants::get(&app, id).await?;
    Ok(Json(detail(&app, tenant).await?))
}
