//! Starting a subscription with the card on file.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission, id::CheckoutId, money::Currency, plan::PlanKind, price::Interval,
    tenant::looks_like_email,
};
use tollhouse_stripe::PaymentMethodId;
use utoipa::ToSchema;

use super::page::QUANTITY_MAX;
use crate::{
    app::App,
    checkout::actions::{self, Payment, Purchase, Started, Trial},
    error::{Error, FieldProblem, Problem, Result},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, TenantPath},
    },
    subscriptions::{
        api::{FullSubscription, full_view},
        offer::Wanted,
    },
    tenants::{actions as tenants, queries::Tenant},
};

/// Stripe's longest trial.
pub const TRIAL_DAYS_MAX: u32 = 730;

/// What to begin, and how it is paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSubscription {
    plan: String,
    /// `month` or `year`
    interval: String,
    /// `usd` where absent.
    currency: Option<String>,
    /// 1 where absent.
    seats: Option<u64>,
    /// Where invoices go from now on.
    billing_email: Option<String>,
    /// `false` ends it after its first period; `true` where absent.
    auto_renew: Option<bool>,
    /// Days of trial; none where absent, and for a tenant at most as many as the plan has.
    trial_days: Option<u32>,
    /// One of the tenant's cards; its default, where absent.
    payment_method: Option<String>,
    /// What takes something off; large and small letters are the same.
    promotion_code: Option<String>,
}

/// The subscription that began.
#[derive(Serialize, ToSchema)]
pub struct StartedSubscription {
    #[serde(flatten)]
    subscription: FullSubscription,
    /// Null where nothing is left to confirm.
    requires_action: Option<RequiresAction>,
}

/// The bank wants its customer to confirm the card.
#[derive(Serialize, ToSchema)]
pub struct RequiresAction {
    /// For Stripe.js on the customer's page.
    client_secret: String,
}

/// The answer of who has begun one: 201.
///
/// # Errors
/// What the database says.
pub async fn shown(
    app: &App,
    tenant: &Tenant,
    started: Started,
) -> Result<(StatusCode, Json<StartedSubscription>)> {
    let subscription = full_view(app, tenant, started.subscription).await?;
    let requires_action =
        started.client_secret.map(|client_secret| RequiresAction { client_secret });
    Ok((StatusCode::CREATED, Json(StartedSubscription { subscription, requires_action })))
}

/// Start a subscription with the card on file
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/subscription", tag = "subscriptions",
    params(("tenant_id" = String, Path)), request_body = StartSubscription,
    responses((status = 201, body = StartedSubscription), (status = 401, body = Problem), (status = 402, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn start(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<StartedSubscription>)> {
    let id = caller.tenant(tenant, Permission::ManageBilling)?;
    let mut tenant = tenants::get(&app, id).await?;
    let request: StartSubscription = body.read()?;
    let wanted = checked(&request)?;
    if app.config.stripe.secret_key.is_none() {
        return Err(Error::NotConfigured);
    }
    let origin = caller.origin();
    let trial = match request.trial_days {
        None => Trial::None,
        Some(days) if caller.require(Permission::Operate).is_ok() => Trial::Granted(days),
        Some(days) => Trial::AtMostOfPlan(days),
    };
    let purchase = Purchase {
        id: CheckoutId::from_uuid(work.0),
        tenant: id,
        wanted,
        kind: Some(PlanKind::Base),
        quantity: request.seats.unwrap_or(1),
        trial,
        addon_of: None,
        promotion_code: request.promotion_code,
    };
    let payment = Payment {
        card: request.payment_method.map(PaymentMethodId::new),
        auto_renew: request.auto_renew.unwrap_or(true),
    };
    let started = actions::start(&app, &origin, purchase, payment).await?;
    if let Some(email) = &request.billing_email {
        tenant = tenants::set_billing_email(&app, &origin, id, email).await?;
    }
    shown(&app, &tenant, started).await
}

/// Every problem at once, each at its field.
fn checked(request: &StartSubscription) -> Result<Wanted> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: &str| {
        problems.push(FieldProblem { field: field.to_owned(), message: message.to_owned() });
    };
    let interval = request.interval.parse::<Interval>().ok();
    if interval.is_none() {
        refuse("interval", "must be `month` or `year`");
    }
    let currency = request.currency.as_deref().map(str::parse::<Currency>).transpose();
    if currency.is_err() {
        refuse("currency", "must be a currency of three letters");
    }
    if !(1..=QUANTITY_MAX).contains(&request.seats.unwrap_or(1)) {
        refuse("seats", "must be from 1 to 1000000");
    }
    if request.trial_days.is_some_and(|days| days > TRIAL_DAYS_MAX) {
        refuse("trial_days", "must be at most 730");
    }
    if request.billing_email.as_deref().is_some_and(|email| !looks_like_email(email)) {
        refuse("billing_email", "must be an e-mail address");
    }
    if request.payment_method.as_deref().is_some_and(|id| id.is_empty() || id.len() > 100) {
        refuse("payment_method", "must be 1 to 100 bytes");
    }
    if problems.is_empty() {
        let code = request.plan.clone();
        return Ok(Wanted::Plan { code, interval, currency: currency.ok().flatten() });
    }
    Err(Error::Invalid(problems))
}
