//! Changing a subscription with its price known before; ending it, and thinking again.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, money::Amount, time::Timestamp};
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
    subscriptions::actions::{self, At, Cancel, Change, Preview, PreviewDiscount, PreviewLine},
    tenants::{actions as tenants, api::looks_like_email},
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

/// How the subscription should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePlan {
    plan: Option<String>,
    /// `month` or `year`
    interval: Option<String>,
    seats: Option<u64>,
    /// `now`; `period_end` is not built yet
    when: Option<String>,
    /// A code to redeem with the change.
    promotion_code: Option<String>,
    /// Of `upcoming-invoice`: exactly that amount is charged.
    preview_token: Option<String>,
}

/// Change plan, interval or seats; the rest of the period is credited and charged at once
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
    if request.when.as_deref().is_some_and(|when| when != "now") {
        return Err(invalid(
            "when",
            "must be `now`: changes at the period's end are not built yet",
        ));
    }
    let wanted = wanted_change(request.plan, request.interval.as_deref(), request.seats)?;
    let wanted = Change { promotion_code: request.promotion_code, ..wanted };
    if wanted.is_none() {
        return Err(invalid("plan", "name `plan`, `interval` or `seats`"));
    }
    let token = request.preview_token.as_deref();
    let row = actions::change(&app, &caller.origin(), tenant.id, work.0, &wanted, token).await?;
    Ok(Json(full_view(&app, &tenant, row).await?))
}

fn wanted_change(
    plan: Option<String>,
    interval: Option<&str>,
    seats: Option<u64>,
) -> Result<Change> {
    let interval = match interval {
        Some(word) => {
            Some(word.parse().map_err(|_| invalid("interval", "must be `month` or `year`"))?)
        }
        None => None,
    };
    Ok(Change { plan, interval, seats, promotion_code: None })
}

/// What is to be previewed; nothing, for the next period.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    plan: Option<String>,
    /// `month` or `year`
    interval: Option<String>,
    seats: Option<u64>,
    /// As it would be, were this code redeemed.
    promotion_code: Option<String>,
}

/// What would be charged: `subtotal` less `discount`, and `tax`, are `total`.
#[derive(Serialize, ToSchema)]
pub struct UpcomingInvoice {
    lines: Vec<UpcomingLine>,
    /// Major units.
    #[schema(value_type = f64, example = 20.00)]
    subtotal: Amount,
    discounts: Vec<UpcomingDiscount>,
    /// All `discounts` together.
    #[schema(value_type = f64, example = 0.00)]
    discount: Amount,
    #[schema(value_type = f64, example = 0.00)]
    tax: Amount,
    #[schema(value_type = f64, example = 20.00)]
    total: Amount,
    currency: String,
    /// As of when the rest of the period is computed; null for the next period.
    #[schema(value_type = Option<String>)]
    proration_date: Option<Timestamp>,
    /// Give it with the change within an hour: exactly `total` is charged. Null for the next period.
    preview_token: Option<String>,
}

/// What one discount takes off.
#[derive(Serialize, ToSchema)]
pub struct UpcomingDiscount {
    /// The coupon's name, or its id.
    name: String,
    #[schema(value_type = f64, example = 5.00)]
    amount: Amount,
}

/// One line of it.
#[derive(Serialize, ToSchema)]
pub struct UpcomingLine {
    description: String,
    /// The plan's name in our catalog.
    plan: Option<String>,
    #[schema(value_type = f64, example = -14.50)]
    amount: Amount,
    quantity: Option<i64>,
    #[schema(value_type = String)]
    period_start: Timestamp,
    #[schema(value_type = String)]
    period_end: Timestamp,
    /// Whether it makes up for a part of a period.
    proration: bool,
}

impl From<Preview> for UpcomingInvoice {
    fn from(preview: Preview) -> Self {
        let line = |line: PreviewLine| UpcomingLine {
            description: line.description,
            plan: line.plan,
            amount: Amount(line.amount),
            quantity: line.quantity,
            period_start: line.period.start,
            period_end: line.period.end,
            proration: line.proration,
        };
        let discount =
            |off: PreviewDiscount| UpcomingDiscount { name: off.name, amount: Amount(off.amount) };
        Self {
            lines: preview.lines.into_iter().map(line).collect(),
            subtotal: Amount(preview.subtotal),
            discounts: preview.discounts.into_iter().map(discount).collect(),
            discount: Amount(preview.discount),
            tax: Amount(preview.tax),
            total: Amount(preview.total),
            currency: preview.total.currency().code().to_owned(),
            proration_date: preview.proration_date,
            preview_token: preview.token,
        }
    }
}

/// What a change, or the next period, would cost
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/upcoming-invoice", tag = "subscriptions",
    params(("tenant_id" = String, Path)), request_body = PreviewRequest,
    responses((status = 200, body = UpcomingInvoice), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn preview(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    body: JsonBody,
) -> Result<Json<UpcomingInvoice>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    let request: PreviewRequest = body.read()?;
    let wanted = wanted_change(request.plan, request.interval.as_deref(), request.seats)?;
    let wanted = Change { promotion_code: request.promotion_code, ..wanted };
    Ok(Json(actions::preview(&app, &tenant, &wanted).await?.into()))
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
        Some(true) => row = actions::renew(&app, &origin, id, work.0).await?,
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
