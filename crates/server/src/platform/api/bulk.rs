//! Many tenants, or many subscriptions, in one request. Each item succeeds or fails for itself; what is
//! written down is brought about at Stripe afterwards, by the task.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tollhouse_domain::{actor::Permission, id::TenantId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    create::{CreateTenant, checked},
    view::TenantView,
};
use crate::{
    app::App,
    error::{Error, Problem, Result, invalid, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, interval, read_json},
    },
    platform::actions,
    record::Origin,
    tenants::Opening,
};

const ITEMS_MAX: usize = 500;

/// Many tenants.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTenants {
    /// 1 to 500
    #[schema(value_type = Vec<CreateTenant>)]
    tenants: Vec<Box<RawValue>>,
}

/// What became of each item, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct TenantResults {
    results: Vec<TenantResult>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
pub struct TenantResult {
    /// As if it had been asked for alone: 201, 409, 422 …
    status: u16,
    tenant: Option<TenantView>,
    error: Option<Problem>,
}

/// Create up to 500 tenants; customers and plans follow
#[utoipa::path(post, path = "/api/v1/stripe/tenants/bulk", tag = "tenants", request_body = CreateTenants,
    responses((status = 200, body = TenantResults), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<Json<TenantResults>> {
    caller.require(Permission::ManageTenants)?;
    let request: CreateTenants = body.read()?;
    refuse_number("tenants", request.tenants.len())?;
    let origin = caller.origin();
    let mut results = Vec::new();
    for (index, item) in request.tenants.iter().enumerate() {
        results.push(match create_one(&app, &origin, item, work.of_item(index)).await {
            Ok(tenant) => TenantResult { status: 201, tenant: Some(tenant), error: None },
            Err(error) => {
                let error = problem(&caller, &error);
                TenantResult { status: error.status, tenant: None, error: Some(error) }
            }
        });
    }
    Ok(Json(TenantResults { results }))
}

async fn create_one(app: &App, origin: &Origin, item: &RawValue, work: Uuid) -> Result<TenantView> {
    let new = checked(app, read_json(item.get().as_bytes())?, work).await?;
    let tenant = actions::create(app, origin, new).await?;
    TenantView::of(tenant, None)
}

/// Many subscriptions to begin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSubscriptions {
    /// 1 to 500
    #[schema(value_type = Vec<StartForTenant>)]
    subscriptions: Vec<Box<RawValue>>,
}

/// A plan for a tenant that has none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartForTenant {
    tenant_id: String,
    plan: String,
    /// `month` or `year`, where the plan has a price.
    interval: Option<String>,
    /// `usd` where absent.
    currency: Option<String>,
}

/// What became of each item, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct StartResults {
    results: Vec<StartResult>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
pub struct StartResult {
    /// 202: written down, and on its way; else as if it had been asked for alone.
    status: u16,
    error: Option<Problem>,
}

/// Begin a plan for up to 500 tenants that have none: with its trial, the card on file, or a page to pay on
#[utoipa::path(post, path = "/api/v1/stripe/subscriptions/bulk", tag = "tenants", request_body = StartSubscriptions,
    responses((status = 200, body = StartResults), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn start_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<Json<StartResults>> {
    caller.require(Permission::ManageTenants)?;
    let request: StartSubscriptions = body.read()?;
    refuse_number("subscriptions", request.subscriptions.len())?;
    let origin = caller.origin();
    let mut results = Vec::new();
    for (index, item) in request.subscriptions.iter().enumerate() {
        results.push(match start_one(&app, &origin, item, work.of_item(index)).await {
            Ok(()) => StartResult { status: 202, error: None },
            Err(error) => {
                let error = problem(&caller, &error);
                StartResult { status: error.status, error: Some(error) }
            }
        });
    }
    Ok(Json(StartResults { results }))
}

async fn start_one(app: &App, origin: &Origin, item: &RawValue, purchase: Uuid) -> Result<()> {
    let request: StartForTenant = read_json(item.get().as_bytes())?;
    let id = &request.tenant_id;
    let tenant: TenantId = id.parse().map_err(|_| not_found("tenant", id))?;
    let interval = interval(request.interval.as_deref())?;
    let currency = request.currency.as_deref().map(str::parse).transpose();
    let currency =
        currency.map_err(|_| invalid("currency", "must be a currency of three letters"))?;
    let opening = Opening { purchase, plan: request.plan, interval, currency };
    actions::check_opening(app, &opening).await?;
    actions::order(app, origin, tenant, &opening).await
}

fn refuse_number(field: &str, items: usize) -> Result<()> {
    if (1..=ITEMS_MAX).contains(&items) {
        return Ok(());
    }
    Err(invalid(field, "must be 1 to 500 items"))
}

fn problem(caller: &Caller, error: &Error) -> Problem {
    if let Some(cause) = std::error::Error::source(error) {
        tracing::error!(request.id = caller.request_id(), error.cause = %cause, "an item failed: {error}");
    }
    Problem { request_id: caller.request_id().to_owned(), ..error.problem() }
}
