//! `…/webhook-endpoints/{id}/deliveries`, and trying an endpoint out.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    event::EventType,
    id::{EventId, TenantId},
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};

use super::{DeliveryPath, EndpointPath};
use crate::{
    app::App,
    db::Page,
    error::{Problem, Result, invalid, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{Query, bounded, cursor},
    },
    outbound::{
        actions,
        deliveries::queries::{self, Delivery, Filter},
        message::Attempt,
        sender::Verdict,
    },
};

/// What became of an event at an endpoint.
#[derive(Serialize, ToSchema)]
pub struct OutboundDeliveryView {
    /// The event's id, and the `webhook-id` of the message.
    #[schema(value_type = String)]
    id: EventId,
    #[schema(value_type = String)]
    r#type: EventType,
    #[schema(value_type = String)]
    tenant_id: TenantId,
    sequence: i64,
    /// `pending`, `delivered` or `dead`
    state: &'static str,
    attempts: i64,
    /// HTTP's, of the last attempt; null where there was no answer.
    status: Option<i64>,
    /// Why the last attempt failed.
    reason: Option<String>,
    /// Of the last attempt.
    duration_ms: i64,
    #[schema(value_type = String)]
    first_attempt_at: Timestamp,
    #[schema(value_type = String)]
    last_attempt_at: Timestamp,
    /// While pending.
    #[schema(value_type = Option<String>)]
    next_attempt_at: Option<Timestamp>,
}

impl From<Delivery> for OutboundDeliveryView {
    fn from(row: Delivery) -> Self {
        Self {
            id: row.event_id,
            r#type: row.event_type,
            tenant_id: row.tenant_id,
            sequence: row.sequence,
            state: row.state.as_str(),
            attempts: row.attempts,
            status: row.status,
            reason: row.reason,
            duration_ms: row.duration_ms,
            first_attempt_at: row.first_attempt_at,
            last_attempt_at: row.last_attempt_at,
            next_attempt_at: row.next_attempt_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only `pending`, `delivered` or `dead` ones
    state: Option<String>,
    /// Only this tenant's
    tenant_id: Option<String>,
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// What became of the events at an endpoint, newest event first
///
/// Events that were not sent yet are not among them. Kept for 30 days.
#[utoipa::path(get, path = "/api/v1/admin/webhook-endpoints/{id}/deliveries", tag = "webhook endpoints",
    params(("id" = String, Path), ListQuery),
    responses((status = 200, body = Page<OutboundDeliveryView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<EndpointPath>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<OutboundDeliveryView>>> {
    caller.require(Permission::Operate)?;
    let endpoint = actions::get(&app, id?.0).await?;
    let limit = bounded(query.limit, 20)?;
    let state = query.state.map(|word| word.parse()).transpose();
    let filter = Filter {
        state: state.map_err(|()| invalid("state", "must be `pending`, `delivered` or `dead`"))?,
        tenant: match &query.tenant_id {
            Some(id) => Some(id.parse().map_err(|_| not_found("tenant", id))?),
            None => None,
        },
        before: cursor(query.cursor.as_deref())?,
    };
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, endpoint.id, filter, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.event_id.to_string(), OutboundDeliveryView::from)))
}

/// Send an event once more, now
///
/// The answer says what came of it. A pending event that is taken lets its tenant's later events follow.
#[utoipa::path(post, path = "/api/v1/admin/webhook-endpoints/{id}/deliveries/{event_id}/redeliver",
    tag = "webhook endpoints", params(("id" = String, Path), ("event_id" = String, Path)),
    responses((status = 200, body = OutboundDeliveryView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn redeliver(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: Result<DeliveryPath>,
) -> Result<Json<OutboundDeliveryView>> {
    caller.require(Permission::Operate)?;
    let DeliveryPath(endpoint, event) = path?;
    let row = actions::redeliver(&app, &caller.origin(), endpoint, event).await?;
    Ok(Json(row.into()))
}

/// What came of trying an endpoint out.
#[derive(Serialize, ToSchema)]
pub struct TestResult {
    /// Whether the endpoint answered 2xx.
    delivered: bool,
    /// HTTP's; null where there was no answer.
    status: Option<u16>,
    /// Why it was not taken.
    reason: Option<String>,
    duration_ms: i64,
}

impl From<Attempt> for TestResult {
    fn from(attempt: Attempt) -> Self {
        Self {
            delivered: attempt.answer.verdict == Verdict::Taken,
            status: attempt.answer.status,
            reason: attempt.answer.reason,
            duration_ms: attempt.duration_ms,
        }
    }
}

/// Try a webhook endpoint out
///
/// Posts a signed message of the type `webhook_endpoint.test`, once, and says what came of it.
#[utoipa::path(post, path = "/api/v1/admin/webhook-endpoints/{id}/test", tag = "webhook endpoints",
    params(("id" = String, Path)),
    responses((status = 200, body = TestResult), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn test(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<EndpointPath>,
    work: Work,
) -> Result<Json<TestResult>> {
    caller.require(Permission::Operate)?;
    Ok(Json(actions::send_test(&app, work.0, id?.0).await?.into()))
}
