//! Whether there is anything to pay with, and the page to pay on.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    checkout::CheckoutState,
    id::{CheckoutId, SubscriptionId},
    money::Currency,
    plan::PlanKind,
    price::Interval,
    time::Timestamp,
};
use tollhouse_stripe::PriceId;
use utoipa::ToSchema;

use crate::{
    app::App,
    checkout::actions::{self, Page, Purchase, Trial},
    config::Server,
    error::{Conflict, Error, FieldProblem, Problem, Result},
    http::{
        Work,
        auth::Caller,
        extract::JsonBody,
        redirect::{URL_LENGTH_MAX, may_redirect_to},
    },
    subscriptions::offer::Wanted,
};

const PRICE_ID_LENGTH_MAX: usize = 100;
/// More seats than this are a mistake.
pub const QUANTITY_MAX: u64 = 1_000_000;

/// What the application's page needs to know before it offers to pay.
#[derive(Serialize, ToSchema)]
pub struct BillingConfig {
    pub stripe_configured: bool,
    /// Null while Stripe is not configured.
    pub publishable_key: Option<String>,
}

/// Whether Stripe is configured
#[utoipa::path(get, path = "/api/v1/customer/billing/config", tag = "checkout",
    responses((status = 200, body = BillingConfig), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn config(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<BillingConfig>> {
    caller.require(Permission::Read)?;
    let stripe_configured = app.config.stripe.secret_key.is_some();
    let publishable_key = app.config.stripe.publishable_key.clone().filter(|_| stripe_configured);
    Ok(Json(BillingConfig { stripe_configured, publishable_key }))
}

/// What to buy, and where to come back to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCheckoutSession {
    /// Stripe's price; or name `plan` and `interval`.
    price_id: Option<String>,
    plan: Option<String>,
    /// `month` or `year`; an add-on's is that of its base.
    interval: Option<String>,
    /// `usd` where absent; an add-on's is that of its base.
    currency: Option<String>,
    /// May contain `{CHECKOUT_SESSION_ID}`. Only to a host of ours.
    success_url: String,
    cancel_url: String,
    /// Seats; 1 where absent.
    quantity: Option<u64>,
    /// Whether to begin with the plan's trial.
    #[serde(default)]
    trial: bool,
    /// The base subscription that an add-on is to join; the tenant's, where absent.
    #[schema(value_type = Option<String>)]
    addon_of: Option<SubscriptionId>,
    /// What takes something off; large and small letters are the same.
    promotion_code: Option<String>,
}

/// Where to send the customer.
#[derive(Serialize, ToSchema)]
pub struct CheckoutSessionView {
    pub url: String,
    /// Stripe's id of the page.
    pub session_id: String,
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Timestamp>,
}

/// Open a page to pay on
#[utoipa::path(post, path = "/api/v1/customer/billing/checkout-session", tag = "checkout",
    request_body = CreateCheckoutSession,
    responses((status = 200, body = CheckoutSessionView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<Json<CheckoutSessionView>> {
    let tenant = caller.own_tenant(Permission::ManageBilling)?;
    let request: CreateCheckoutSession = body.read()?;
    let (wanted, quantity) = checked(&request, &app.config.server)?;
    if app.config.stripe.secret_key.is_none() {
        return Err(Error::NotConfigured);
    }
    let purchase = Purchase {
        id: CheckoutId::from_uuid(work.0),
        tenant,
        wanted,
        kind: request.addon_of.map(|_| PlanKind::Addon),
        quantity,
        trial: if request.trial { Trial::OfPlan } else { Trial::None },
        addon_of: request.addon_of,
        promotion_code: request.promotion_code,
    };
    let page = Page { success_url: request.success_url, cancel_url: request.cancel_url };
    let checkout = actions::open(&app, &caller.origin(), purchase, page).await?;
    let url = checkout.url.filter(|_| checkout.state == CheckoutState::Open);
    let (Some(url), Some(session)) = (url, checkout.stripe_session_id) else {
        let sentence = "The page of this request is over: it was paid, or a newer request closed it. \
                        Ask again with a new `Idempotency-Key`.";
        return Err(Error::Conflict(Conflict::CheckoutOver, sentence.to_owned()));
    };
    Ok(Json(CheckoutSessionView {
        url,
        session_id: session.to_string(),
        expires_at: checkout.expires_at,
    }))
}

/// Every problem at once, each at its field.
fn checked(request: &CreateCheckoutSession, server: &Server) -> Result<(Wanted, u64)> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: &str| {
        problems.push(FieldProblem { field: field.to_owned(), message: message.to_owned() });
    };
    for (field, url) in [("success_url", &request.success_url), ("cancel_url", &request.cancel_url)]
    {
        if url.len() > URL_LENGTH_MAX {
            refuse(field, "must be at most 500 bytes");
        } else if !may_redirect_to(url, server) {
            refuse(
                field,
                "must lead to a host of ours: see `server.frontend_url` and `server.redirect_hosts`",
            );
        }
    }
    let quantity = request.quantity.unwrap_or(1);
    if !(1..=QUANTITY_MAX).contains(&quantity) {
        refuse("quantity", "must be from 1 to 1000000");
    }
    let wanted = match (&request.price_id, &request.plan) {
        (Some(id), None) if id.is_empty() || id.len() > PRICE_ID_LENGTH_MAX => {
            refuse("price_id", "must be 1 to 100 bytes");
            None
        }
        (Some(id), None) => Some(Wanted::Price(PriceId::new(id.as_str()))),
        (None, Some(code)) => {
            let interval = request.interval.as_deref().map(str::parse::<Interval>).transpose();
            let currency = request.currency.as_deref().map(str::parse::<Currency>).transpose();
            if interval.is_err() {
                refuse("interval", "must be `month` or `year`");
            }
            if currency.is_err() {
                refuse("currency", "must be a currency of three letters");
            }
            let (code, interval) = (code.clone(), interval.ok().flatten());
            Some(Wanted::Plan { code, interval, currency: currency.ok().flatten() })
        }
        _ => {
            refuse("plan", "name either `price_id`, or `plan` and `interval`");
            None
        }
    };
    match wanted {
        Some(wanted) if problems.is_empty() => Ok((wanted, quantity)),
        _ => Err(Error::Invalid(problems)),
    }
}
