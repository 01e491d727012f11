//! Ending a subscription, and thinking again.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use tollhouse_domain::actor::Permission;
use utoipa::ToSchema;

use super::read::{FullSubscription, full_view};
use crate::{
    app::App,
    error::{Problem, Result, invalid},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, TenantPath},
    },
    subscriptions::actions::{self, At, Cancel},
    tenants::actions as tenants,
};

/// What Stripe knows as reasons to leave.
const REASONS: [&str; 8] = [
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
];
const COMMENT_LENGTH_MAX: usize = 1000;

/// When to end, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelSubscription {
    /// `now`, or `period_end`: access stays until then.
    at: String,
    /// `too_expensive`, `missing_features`, `switched_service`, `unused`, `customer_service`, `too_complex`,
    /// `low_quality` or `other`
    reason: Option<String>,
    comment: Option<String>,
}

/// End the subscription, now or at the end of its period
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/subscription/cancel", tag = "subscriptions",
    params(("tenant_id" = String, Path)), request_body = CancelSubscription,
    responses((status = 200, body = FullSubscription), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<Json<FullSubscription>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageBilling)?).await?;
    let wanted = wanted(body.read()?)?;
    let row = actions::cancel(&app, &caller.origin(), tenant.id, work.0, wanted).await?;
    Ok(Json(full_view(&app, &tenant, row).await?))
}

fn wanted(request: CancelSubscription) -> Result<Cancel> {
    let at = match request.at.as_str() {
        "now" => At::Now,
        "period_end" => At::PeriodEnd,
        _ => return Err(invalid("at", "must be `now` or `period_end`")),
    };
    if request.reason.as_deref().is_some_and(|reason| !REASONS.contains(&reason)) {
        return Err(invalid("reason", format!("must be one of {}", REASONS.join(", "))));
    }
    if request.comment.as_deref().is_some_and(|comment| comment.len() > COMMENT_LENGTH_MAX) {
        return Err(invalid("comment", "must be at most 1000 bytes"));
    }
    Ok(Cancel { at, reason: request.reason, comment: request.comment })
}

/// Take back an end that has not come yet
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/subscription/resume", tag = "subscriptions",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = FullSubscription), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
) -> Result<Json<FullSubscription>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageBilling)?).await?;
    let row = actions::renew(&app, &caller.origin(), tenant.id, work.0).await?;
    Ok(Json(full_view(&app, &tenant, row).await?))
}
