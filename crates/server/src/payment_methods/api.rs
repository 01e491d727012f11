//! The cards on file over HTTP.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Serialize;
use tollhouse_domain::{actor::Permission, id::TenantId, time::Timestamp};
use tollhouse_stripe::{PaymentMethodId, objects::PaymentMethod};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::actions::{self, Cards};
use crate::{
    app::App,
    error::{Problem, Result, not_found},
    http::{Work, auth::Caller, extract::TenantPath},
    tenants::{actions as tenants, queries::Tenant},
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_own))
        .routes(routes!(list))
        .routes(routes!(set_up))
        .routes(routes!(make_default))
        .routes(routes!(remove))
}

/// A card on file.
#[derive(Serialize, ToSchema)]
pub struct PaymentMethodView {
    /// Stripe's.
    id: String,
    /// `card`, `sepa_debit` …
    r#type: String,
    card: Option<CardView>,
    #[schema(value_type = Option<String>)]
    created: Option<Timestamp>,
    /// Whether it is charged.
    is_default: bool,
}

/// What may be shown of a card.
#[derive(Serialize, ToSchema)]
pub struct CardView {
    brand: String,
    last4: String,
    exp_month: i64,
    exp_year: i64,
}

/// For the page that asks for a card.
#[derive(Serialize, ToSchema)]
pub struct SetupIntentView {
    id: String,
    client_secret: Option<String>,
}

fn shown(cards: Cards) -> Vec<PaymentMethodView> {
    let view = |method: PaymentMethod| PaymentMethodView {
        is_default: cards.default.as_ref() == Some(&method.id),
        id: method.id.to_string(),
        r#type: method.r#type,
        created: Timestamp::from_second(method.created),
        card: method.card.map(|card| CardView {
            brand: card.brand,
            last4: card.last4,
            exp_month: card.exp_month,
            exp_year: card.exp_year,
        }),
    };
    cards.all.into_iter().map(view).collect()
}

/// The cards of the caller's tenant
#[utoipa::path(get, path = "/api/v1/billing/payment-methods", tag = "payment methods",
    responses((status = 200, body = Vec<PaymentMethodView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem)))]
async fn list_own(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Vec<PaymentMethodView>>> {
    let tenant = tenants::get(&app, caller.own_tenant(Permission::Read)?).await?;
    Ok(Json(shown(actions::list(&app, &tenant).await?)))
}

/// The cards of a tenant
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/payment-methods", tag = "payment methods",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = Vec<PaymentMethodView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
) -> Result<Json<Vec<PaymentMethodView>>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    Ok(Json(shown(actions::list(&app, &tenant).await?)))
}

/// Begin to take a card for later
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/payment-methods/setup-intent",
    tag = "payment methods", params(("tenant_id" = String, Path)),
    responses((status = 200, body = SetupIntentView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem)))]
async fn set_up(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
) -> Result<Json<SetupIntentView>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageBilling)?).await?;
    let intent = actions::set_up(&app, &caller.origin(), &tenant, work.0).await?;
    Ok(Json(SetupIntentView { id: intent.id, client_secret: intent.client_secret }))
}

/// Charge this card from now on
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/payment-methods/{id}/default",
    tag = "payment methods", params(("tenant_id" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
async fn make_default(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((tenant, card)): Path<(String, String)>,
    work: Work,
) -> Result<StatusCode> {
    let (tenant, card) = named(&app, &caller, &tenant, &card).await?;
    actions::make_default(&app, &caller.origin(), &tenant, &card, work.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a card, for good
#[utoipa::path(delete, path = "/api/v1/billing/tenants/{tenant_id}/payment-methods/{id}",
    tag = "payment methods", params(("tenant_id" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem)))]
async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((tenant, card)): Path<(String, String)>,
    work: Work,
) -> Result<StatusCode> {
    let (tenant, card) = named(&app, &caller, &tenant, &card).await?;
    actions::remove(&app, &caller.origin(), &tenant, &card, work.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The tenant and the card of a path, for somebody who may change them.
async fn named(
    app: &App,
    caller: &Caller,
    tenant: &str,
    card: &str,
) -> Result<(Tenant, PaymentMethodId)> {
    let id: TenantId = tenant.parse().map_err(|_| not_found("tenant", tenant))?;
    let tenant = tenants::get(app, caller.tenant(id, Permission::ManageBilling)?).await?;
    Ok((tenant, PaymentMethodId::new(card)))
}
