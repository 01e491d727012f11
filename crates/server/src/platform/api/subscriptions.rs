//! Beginning and ending a subscription on a tenant's behalf.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use tollhouse_domain::{
    actor::Permission,
    id::{CheckoutId, SubscriptionId},
    plan::PlanKind,
};
use tollhouse_stripe::{PaymentMethodId, SubscriptionId as StripeSubscriptionId};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    checkout::{
        actions::{Payment, Purchase, Trial, start as begin},
        api::{QUANTITY_MAX, StartedSubscription, TRIAL_DAYS_MAX, shown},
    },
    error::{Error, FieldProblem, Problem, Result, invalid, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, Query, TenantPath},
    },
    subscriptions::{
        actions::{At, Cancel, addons::end_addon, cancel_base},
        api::{FullSubscription, full_view},
        offer::Wanted,
        queries::{self, Subscription},
    },
    tenants::actions as tenants,
};

/// What to begin, and how it is paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartOnBehalf {
    /// A base plan, or an add-on to the one it has.
    plan: String,
    /// `month` or `year`; an add-on's is that of its base.
    interval: Option<String>,
    /// `usd` where absent; an add-on's is that of its base.
    currency: Option<String>,
    /// 1 where absent.
    seats: Option<u64>,
    /// `false` ends it after its first period; `true` where absent.
    auto_renew: Option<bool>,
    /// Days of trial, as many as you grant; none where absent.
    trial_days: Option<u32>,
    /// One of the tenant's cards; its default, where absent.
    payment_method: Option<String>,
    promotion_code: Option<String>,
}

/// Start a subscription or an add-on on a tenant's behalf, with its card on file
#[utoipa::path(post, path = "/api/v1/stripe/tenants/{tenant_id}/subscriptions", tag = "tenants",
    params(("tenant_id" = String, Path)), request_body = StartOnBehalf,
    responses((status = 201, body = StartedSubscription), (status = 401, body = Problem), (status = 402, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn start(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(id): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<StartedSubscription>)> {
    let tenant = tenants::get(&app, caller.tenant(id, Permission::ManageTenants)?).await?;
    let request: StartOnBehalf = body.read()?;
    let wanted = checked(&request)?;
    if app.config.stripe.secret_key.is_none() {
        return Err(Error::NotConfigured);
    }
    let purchase = Purchase {
        id: CheckoutId::from_uuid(work.0),
        tenant: tenant.id,
        wanted,
        kind: None,
        quantity: request.seats.unwrap_or(1),
        trial: request.trial_days.map_or(Trial::None, Trial::Granted),
        addon_of: None,
        promotion_code: request.promotion_code,
    };
    let payment = Payment {
        card: request.payment_method.map(PaymentMethodId::new),
        auto_renew: request.auto_renew.unwrap_or(true),
    };
    let started = begin(&app, &caller.origin(), purchase, payment).await?;
    shown(&app, &tenant, started).await
}

/// Every problem at once, each at its field.
fn checked(request: &StartOnBehalf) -> Result<Wanted> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: &str| {
        problems.push(FieldProblem { field: field.to_owned(), message: message.to_owned() });
    };
    let interval = request.interval.as_deref().map(str::parse).transpose();
    if interval.is_err() {
        refuse("interval", "must be `month` or `year`");
    }
    let currency = request.currency.as_deref().map(str::parse).transpose();
    if currency.is_err() {
        refuse("currency", "must be a currency of three letters");
    }
    if !(1..=QUANTITY_MAX).contains(&request.seats.unwrap_or(1)) {
        refuse("seats", "must be from 1 to 1000000");
    }
    if request.trial_days.is_some_and(|days| days > TRIAL_DAYS_MAX) {
        refuse("trial_days", "must be at most 730");
    }
    if request.payment_method.as_deref().is_some_and(|id| id.is_empty() || id.len() > 100) {
        refuse("payment_method", "must be 1 to 100 bytes");
    }
    match (interval, currency) {
        (Ok(interval), Ok(currency)) if problems.is_empty() => {
            Ok(Wanted::Plan { code: request.plan.clone(), interval, currency })
        }
        _ => Err(Error::Invalid(problems)),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelQuery {
    /// `now`, or `period_end` where absent: access stays until then.
    at: Option<String>,
}

/// End a subscription on its tenant's behalf; a base takes its add-ons with it
#[utoipa::path(delete, path = "/api/v1/stripe/subscriptions/{id}", tag = "tenants",
    params(("id" = String, Path, description = "Ours, or Stripe's"), CancelQuery),
    responses((status = 200, body = FullSubscription), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<CancelQuery>,
    work: Work,
) -> Result<Json<FullSubscription>> {
    caller.require(Permission::ManageTenants)?;
    let at = match query.at.as_deref() {
        None | Some("period_end") => At::PeriodEnd,
        Some("now") => At::Now,
        Some(_) => return Err(invalid("at", "must be `now` or `period_end`")),
    };
    let row = find(&app, &id).await?.ok_or_else(|| not_found("subscription", &id))?;
    let tenant = tenants::get(&app, row.tenant_id).await?;
    let origin = caller.origin();
    let row = match row.kind {
        // Ended before: there is nothing left to do.
        _ if !row.status.is_live() => row,
        PlanKind::Addon => end_addon(&app, &origin, (tenant.id, row.id), at, work.0).await?,
        PlanKind::Base => {
            let wanted = Cancel { at, reason: None, comment: None };
            cancel_base(&app, &origin, row, work.0, wanted).await?
        }
    };
    Ok(Json(full_view(&app, &tenant, row).await?))
}

async fn find(app: &App, id: &str) -> Result<Option<Subscription>> {
    let mut conn = app.db.read().await?;
    Ok(match id.parse::<SubscriptionId>() {
        Ok(id) => queries::find(&mut conn, id).await?,
        Err(_) => queries::find_by_stripe_id(&mut conn, &StripeSubscriptionId::new(id)).await?,
    })
}
