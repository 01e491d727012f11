//! `/api/v1/admin/meter-events`

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{MeterEventId, TenantId},
    time::Timestamp,
    usage::{MeterEventState, Quantity},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    db::Page,
    error::{Problem, Result, invalid, not_found},
    export::{
        actions::{self, Verdict},
        queries::{self, Filter, MeterEvent},
    },
    http::{
        auth::Caller,
        extract::{JsonBody, Query, bounded, cursor},
    },
    usage::billable::queries as billable,
};

/// One report of ours to a meter at Stripe.
#[derive(Serialize, ToSchema)]
pub struct MeterEventView {
    #[schema(value_type = String)]
    id: MeterEventId,
    /// What Stripe knows it by.
    identifier: String,
    #[schema(value_type = String)]
    tenant_id: TenantId,
    meter: String,
    /// What is added; of a meter that does not add up, where the billing period stands.
    #[schema(value_type = f64)]
    quantity: Quantity,
    /// The hour it was used in.
    #[schema(value_type = String)]
    hour: Timestamp,
    /// When Stripe is told that it was used: the billing period of this moment bills it.
    #[schema(value_type = String)]
    told_at: Timestamp,
    /// `pending`, `sent`, `refused` or `unclear`
    #[schema(value_type = String)]
    state: MeterEventState,
    attempts: i64,
    #[schema(value_type = Option<String>)]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    sent_at: Option<Timestamp>,
    /// Why it is refused, unclear, or not sent yet.
    reason: Option<String>,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

impl From<MeterEvent> for MeterEventView {
    fn from(row: MeterEvent) -> Self {
        Self {
            quantity: row.quantity(),
            id: row.id,
            identifier: row.identifier,
            tenant_id: row.tenant_id,
            meter: row.meter,
            hour: row.starts_at,
            told_at: row.told_at,
            state: row.state,
            attempts: row.attempts,
            next_attempt_at: row.due_at,
            sent_at: row.sent_at,
            reason: row.reason,
            created_at: row.created_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// pending, sent, refused or unclear
    state: Option<String>,
    tenant_id: Option<String>,
    /// Its code
    meter: Option<String>,
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// What Stripe's meters are told, newest first
#[utoipa::path(get, path = "/api/v1/admin/meter-events", tag = "usage", params(ListQuery),
    responses((status = 200, body = Page<MeterEventView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<MeterEventView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let state = query.state.as_deref().map(str::parse::<MeterEventState>).transpose();
    let state = state.map_err(|error| invalid("state", error.to_string()))?;
    let tenant = query.tenant_id.as_deref().map(str::parse).transpose();
    let tenant = tenant.map_err(|_| invalid("tenant_id", "must be a tenant's id"))?;
    let cursor = cursor(query.cursor.as_deref())?;
    let filter = Filter { state, tenant, meter: query.meter.as_deref() };
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, &filter, cursor, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), MeterEventView::from)))
}

/// What Stripe is still to be told.
#[derive(Serialize, ToSchema)]
pub struct ExportBacklog {
    /// Hours of tenants' meters with something new in them.
    hours_due: i64,
    /// Hours that wait for their tenant to have a customer.
    hours_waiting: i64,
    /// Meter events on their way.
    pending: i64,
    /// Meter events that wait for a person: Stripe refused them.
    refused: i64,
    /// Meter events that wait for a person: nobody knows whether Stripe has them.
    unclear: i64,
}

/// How much Stripe's meters are still to be told
#[utoipa::path(get, path = "/api/v1/admin/meter-events/backlog", tag = "usage",
    responses((status = 200, body = ExportBacklog), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn backlog(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<ExportBacklog>> {
    caller.require(Permission::ReadAnyTenant)?;
    let mut conn = app.db.read().await?;
    let hours = billable::backlog(&mut conn).await?;
    let counts = queries::counts_left(&mut conn).await?;
    let of = |state| {
        counts.iter().find(|count| count.state == state).map_or(0, |count| count.meter_events)
    };
    Ok(Json(ExportBacklog {
        hours_due: hours.due,
        hours_waiting: hours.waiting,
        pending: of(MeterEventState::Pending),
        refused: of(MeterEventState::Refused),
        unclear: of(MeterEventState::Unclear),
    }))
}

/// What is to become of a meter event.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleMeterEvent {
    outcome: Verdict,
}

/// Decide what becomes of a meter event that Stripe refused, or may have
///
/// `send_again` sends it under another identifier: do that where Stripe does not have it, after what stood against
/// it was put right. `take_as_sent` never sends it.
#[utoipa::path(post, path = "/api/v1/admin/meter-events/{id}/settle", tag = "usage",
    params(("id" = String, Path)), request_body = SettleMeterEvent,
    responses((status = 200, body = MeterEventView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn settle(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<MeterEventView>> {
    caller.require(Permission::Operate)?;
    let id = id.parse().map_err(|_| not_found("meter event", &id))?;
    let wanted: SettleMeterEvent = body.read()?;
    let settled = actions::settle(&app, &caller.origin(), id, wanted.outcome).await?;
    Ok(Json(settled.into()))
}
