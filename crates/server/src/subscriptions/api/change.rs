//! Changing a subscription, pausing and ending it, and thinking again.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, tenant::looks_like_email};
use utoipa::ToSchema;

use super::full::{FullSubscription, full_view};
use crate::{
    app::App,
    error::{Problem, Result, invalid},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, TenantPath, interval},
    },
    subscriptions::actions::{self, At, Cancel, Change},
    tenants::actions as tenants,
};

/// What Stripe knows as reasons to leave.
pub const REASONS: [&str; 8] = [
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

/// Halt the subscription and its add-ons: nothing is billed and nothing granted until it is resumed
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/subscription/pause", tag = "subscriptions",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = FullSubscription), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn pause(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
) -> Result<Json<FullSubscription>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageBilling)?).await?;
    let row = actions::pause(&app, &caller.origin(), tenant.id, work.0).await?;
    Ok(Json(full_view(&app, &tenant, row).await?))
}

/// Let a paused subscription go on; or else take back an end that has not come yet
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
    let row = Box::pin(actions::resume(&app, &caller.origin(), tenant.id, work.0)).await?;
    Ok(Json(full_view(&app, &tenant, row).await?))
}

/// How the subscription should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePlan {
    plan: Option<String>,
    /// `month` or `year`
    interval: Option<String>,
    seats: Option<u64>,
    /// `now` where absent: the rest of the period is credited and charged. `period_end`: it waits, and nothing
    /// is prorated.
    when: Option<String>,
    /// A code to redeem with a change now.
    promotion_code: Option<String>,
    /// Of `upcoming-invoice`, for a change now: exactly that amount is charged.
    preview_token: Option<String>,
}

/// Change plan, interval or seats, now or at the end of the period
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/subscription/plan", tag = "subscriptions",
    params(("tenant_id" = String, Path)), request_body = ChangePlan,
    responses((status = 200, body = FullSubscription), (status = 401, body = Problem), (status = 402, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<Json<FullSubscription>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageBilling)?).await?;
    let request: ChangePlan = body.read()?;
    let wanted = wanted_change(request.plan, request.interval.as_deref(), request.seats)?;
    let wanted = Change { promotion_code: request.promotion_code, ..wanted };
    if wanted.is_none() {
        return Err(invalid("plan", "name `plan`, `interval` or `seats`"));
    }
    let origin = caller.origin();
    let token = request.preview_token.as_deref();
    let row = match request.when.as_deref() {
        None | Some("now") => {
            actions::change(&app, &origin, tenant.id, work.0, &wanted, token).await?
        }
        Some("period_end") if token.is_some() => {
            return Err(invalid(
                "preview_token",
                "is for a change now: one that waits costs nothing",
            ));
        }
        Some("period_end") if wanted.promotion_code.is_some() => {
            return Err(invalid(
                "promotion_code",
                "is for a change now: redeem it when the day comes",
            ));
        }
        Some("period_end") => {
            actions::change_later(&app, &origin, tenant.id, work.0, &wanted).await?
        }
        Some(_) => return Err(invalid("when", "must be `now` or `period_end`")),
    };
    Ok(Json(full_view(&app, &tenant, row).await?))
}

/// Drop the change that waits for the end of the period
#[utoipa::path(delete, path = "/api/v1/billing/tenants/{tenant_id}/subscription/pending", tag = "subscriptions",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = FullSubscription), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn drop_pending(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
) -> Result<Json<FullSubscription>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageBilling)?).await?;
    let row = actions::drop_change(&app, &caller.origin(), tenant.id, work.0).await?;
    Ok(Json(full_view(&app, &tenant, row).await?))
}

pub(super) fn wanted_change(
    plan: Option<String>,
    interval: Option<&str>,
    seats: Option<u64>,
) -> Result<Change> {
    Ok(Change { plan, interval: self::interval(interval)?, seats, promotion_code: None })
}

/// What is to be different; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchSubscription {
    /// Off sets an end at the period's end; on takes back an end, however it was set.
    auto_renew: Option<bool>,
    /// As `POST …/subscription/plan`: charged now.
    seats: Option<u64>,
    billing_email: Option<String>,
}

/// Switch renewal, seats or the address for invoices
#[utoipa::path(patch, path = "/api/v1/billing/tenants/{tenant_id}/subscription", tag = "subscriptions",
    params(("tenant_id" = String, Path)), request_body = PatchSubscription,
    responses((status = 200, body = FullSubscription), (status = 401, body = Problem), (status = 402, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<Json<FullSubscription>> {
    let id = caller.tenant(tenant, Permission::ManageBilling)?;
    let mut tenant = tenants::get(&app, id).await?;
    let request: PatchSubscription = body.read()?;
    let origin = caller.origin();
    let email = request.billing_email.as_deref();
    if email.is_some_and(|email| !looks_like_email(email)) {
        return Err(invalid("billing_email", "must be an e-mail address"));
    }
    let mut row = actions::live_base(&app, id).await?;
    if request.seats.is_some() {
        let wanted = Change { seats: request.seats, ..Change::default() };
        row = actions::change(&app, &origin, id, work.0, &wanted, None).await?;
    }
    match request.auto_renew {
        Some(true) => row = actions::switch_renewal_on(&app, &origin, id, work.0).await?,
        Some(false) if row.cancel_at.is_none() => {
            let end = Cancel { at: At::PeriodEnd, reason: None, comment: None };
            row = actions::cancel(&app, &origin, id, work.0, end).await?;
        }
        Some(false) | None => {}
    }
    if let Some(email) = email {
        tenant = tenants::set_billing_email(&app, &origin, id, email).await?;
    }
    Ok(Json(full_view(&app, &tenant, row).await?))
}
