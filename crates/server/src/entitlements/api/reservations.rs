//! Holding units of a meter, then settling or releasing them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{ReservationId, TenantId},
    time::Timestamp,
    usage::Quantity,
};
use utoipa::ToSchema;

use super::check::{positive, tenant_and_feature};
use crate::{
    app::App,
    entitlements::{
        actions::{self, Wish},
        queries::Reservation,
    },
    error::{Problem, Result, invalid, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{Digits, JsonBody},
    },
};

const DEFAULT_SECONDS: i64 = 60;
const SECONDS_MAX: i64 = 86_400;

/// How much is to be held, and for how long at most.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReserveFeature {
    /// 1 where absent.
    #[schema(value_type = Option<f64>, example = 5)]
    quantity: Option<Digits>,
    /// 1 to 86400; 60 where absent. Then it holds nothing any more.
    ttl_seconds: Option<i64>,
}

/// A quantity that is held, or was.
#[derive(Serialize, ToSchema)]
pub struct ReservationView {
    #[schema(value_type = String)]
    id: ReservationId,
    /// The meter's code.
    feature: String,
    #[schema(value_type = f64)]
    quantity: Quantity,
    /// `held`, `settled` or `released`
    state: &'static str,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    expires_at: Timestamp,
    /// What was counted of it; null until it is settled.
    #[schema(value_type = Option<f64>)]
    settled_quantity: Option<Quantity>,
}

impl From<Reservation> for ReservationView {
    fn from(row: Reservation) -> Self {
        Self {
            id: row.id,
            quantity: row.quantity(),
            settled_quantity: row.settled(),
            feature: row.meter,
            state: row.state.as_str(),
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// Hold units of a meter for a tenant
///
/// What is used and held together never passes a hard limit by reservations, however many ask at once.
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/entitlements/{feature}/reservations",
    tag = "entitlements", params(("tenant_id" = String, Path), ("feature" = String, Path)),
    request_body = ReserveFeature,
    responses((status = 201, body = ReservationView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn reserve(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<ReservationView>)> {
    let (tenant, meter) = tenant_and_feature(path)?;
    let tenant = caller.tenant(tenant, Permission::RecordUsage)?;
    let request: ReserveFeature = body.read()?;
    let quantity = positive("quantity", request.quantity.as_ref())?.unwrap_or(Quantity::ONE);
    if quantity == Quantity::ZERO {
        return Err(invalid("quantity", "must be above zero"));
    }
    let seconds = request.ttl_seconds.unwrap_or(DEFAULT_SECONDS);
    if !(1..=SECONDS_MAX).contains(&seconds) {
        return Err(invalid("ttl_seconds", "must be from 1 to 86400"));
    }
    let id = ReservationId::from_uuid(work.0);
    let wish = Wish { id, tenant, meter, quantity, seconds, origin: caller.origin() };
    let held = app.holds.reserve(wish).await?;
    Ok((StatusCode::CREATED, Json(held.into())))
}

/// What was used of a reservation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleReservation {
    /// Not more than is held; all of it where absent.
    #[schema(value_type = Option<f64>, example = 3)]
    quantity: Option<Digits>,
}

/// Settle a reservation: count what was used of it, and hold nothing any more
///
/// Settling again counts nothing again, and is answered with what was settled first.
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/reservations/{id}/settle",
    tag = "entitlements", params(("tenant_id" = String, Path), ("id" = String, Path)),
    request_body = SettleReservation,
    responses((status = 200, body = ReservationView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn settle(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    body: JsonBody,
) -> Result<Json<ReservationView>> {
    let (tenant, id) = tenant_and_id(path)?;
    let tenant = caller.tenant(tenant, Permission::RecordUsage)?;
    let id = reservation(&id)?;
    let request: SettleReservation = body.read()?;
    let used = positive("quantity", request.quantity.as_ref())?;
    Ok(Json(actions::settle(&app, &caller.origin(), tenant, id, used).await?.into()))
}

/// Release a reservation unused
#[utoipa::path(delete, path = "/api/v1/billing/tenants/{tenant_id}/reservations/{id}", tag = "entitlements",
    params(("tenant_id" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn release(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode> {
    let (tenant, id) = tenant_and_id(path)?;
    let tenant = caller.tenant(tenant, Permission::RecordUsage)?;
    actions::release(&app, &caller.origin(), tenant, reservation(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn tenant_and_id(
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(TenantId, String)> {
    let Path((tenant, id)) = path.map_err(|_| not_found("reservation", "(not readable)"))?;
    let tenant = tenant.parse().map_err(|_| not_found("tenant", &tenant))?;
    Ok((tenant, id))
}

fn reservation(id: &str) -> Result<ReservationId> {
    id.parse().map_err(|_| not_found("reservation", id))
}
