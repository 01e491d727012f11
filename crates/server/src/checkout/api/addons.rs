//! Add-ons of a tenant's subscription: list, buy with the card on file, end.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{CheckoutId, SubscriptionId, TenantId},
    plan::PlanKind,
};
use tollhouse_stripe::PaymentMethodId;
use utoipa::{IntoParams, ToSchema};

use super::{
    direct::{StartedSubscription, shown},
    page::QUANTITY_MAX,
};
use crate::{
    app::App,
    checkout::actions::{self, Payment, Purchase, Trial},
    error::{Error, Problem, Result, invalid, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, Query, TenantPath},
    },
    subscriptions::{
        actions::{At, addons},
        api::{FullSubscription, full_view},
        offer::Wanted,
    },
    tenants::actions as tenants,
};

/// The add-ons that a tenant has.
#[derive(Serialize, ToSchema)]
pub struct Addons {
    data: Vec<FullSubscription>,
}

/// The add-ons of a tenant that are not over
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/addons", tag = "subscriptions",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = Addons), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
) -> Result<Json<Addons>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    let mut data = Vec::new();
    for row in addons::list_addons(&app, tenant.id).await? {
        data.push(full_view(&app, &tenant, row).await?);
    }
    Ok(Json(Addons { data }))
}

/// Which add-on to buy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BuyAddon {
    plan: String,
    /// 1 where absent.
    quantity: Option<u64>,
    /// One of the tenant's cards; that of the base, where absent.
    payment_method: Option<String>,
    /// What takes something off; large and small letters are the same.
    promotion_code: Option<String>,
}

/// Buy an add-on with the card on file; it is charged for the rest of the base's period, and ends with it
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/addons", tag = "subscriptions",
    params(("tenant_id" = String, Path)), request_body = BuyAddon,
    responses((status = 201, body = StartedSubscription), (status = 401, body = Problem), (status = 402, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn buy(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<StartedSubscription>)> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageBilling)?).await?;
    let request: BuyAddon = body.read()?;
    let quantity = request.quantity.unwrap_or(1);
    if !(1..=QUANTITY_MAX).contains(&quantity) {
        return Err(invalid("quantity", "must be from 1 to 1000000"));
    }
    if app.config.stripe.secret_key.is_none() {
        return Err(Error::NotConfigured);
    }
    let purchase = Purchase {
        id: CheckoutId::from_uuid(work.0),
        tenant: tenant.id,
        wanted: Wanted::Plan { code: request.plan, interval: None, currency: None },
        kind: Some(PlanKind::Addon),
        quantity,
        trial: Trial::None,
        addon_of: None,
        promotion_code: request.promotion_code,
    };
    let card = request.payment_method.map(PaymentMethodId::new);
    let payment = Payment { card, auto_renew: true };
    let started = actions::start(&app, &caller.origin(), purchase, payment).await?;
    shown(&app, &tenant, started).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct EndQuery {
    /// `now`, or `period_end` where absent: access stays until then.
    at: Option<String>,
}

/// End an add-on; its base goes on
#[utoipa::path(delete, path = "/api/v1/billing/tenants/{tenant_id}/addons/{id}", tag = "subscriptions",
    params(("tenant_id" = String, Path), ("id" = String, Path), EndQuery),
    responses((status = 200, body = FullSubscription), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn end(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((tenant, id)): Path<(String, String)>,
    Query(query): Query<EndQuery>,
    work: Work,
) -> Result<Json<FullSubscription>> {
    let tenant: TenantId = tenant.parse().map_err(|_| not_found("tenant", &tenant))?;
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageBilling)?).await?;
    let at = match query.at.as_deref() {
        None | Some("period_end") => At::PeriodEnd,
        Some("now") => At::Now,
        Some(_) => return Err(invalid("at", "must be `now` or `period_end`")),
    };
    let id: SubscriptionId = id.parse().map_err(|_| not_found("add-on", &id))?;
    let row = addons::end_addon(&app, &caller.origin(), (tenant.id, id), at, work.0).await?;
    Ok(Json(full_view(&app, &tenant, row).await?))
}
