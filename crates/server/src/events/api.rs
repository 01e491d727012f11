//! A tenant's history, and its live stream.

use std::sync::Arc;

use axum::{
    Json as JsonAnswer,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    event::EventType,
    id::{EventId, TenantId},
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::queries::{self, Event, Filter};
use crate::{
    app::App,
    db::{Conn, Json, Page},
    error::{Error, Problem, Result, invalid, not_found},
    http::{
        auth::Caller,
        extract::{Query, TenantPath, bounded},
    },
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(history)).routes(routes!(stream))
}

/// One thing that happened.
#[derive(Serialize, ToSchema)]
pub struct EventView {
    #[schema(value_type = String)]
    id: EventId,
    /// 1, 2, 3 … without gaps for each tenant.
    sequence: i64,
    #[schema(value_type = String)]
    r#type: EventType,
    #[schema(value_type = String)]
    occurred_at: Timestamp,
    /// A sentence for people.
    summary: String,
    subject: SubjectView,
    #[schema(value_type = Object)]
    data: Json,
}

/// What an event is about.
#[derive(Serialize, ToSchema)]
pub struct SubjectView {
    /// `tenant`, `checkout`, `subscription`, `invoice`, `slot` …
    kind: String,
    id: String,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            sequence: event.sequence,
            r#type: event.r#type,
            occurred_at: event.occurred_at,
            summary: event.summary,
            subject: SubjectView { kind: event.subject_kind, id: event.subject_id },
            data: event.data,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    /// Only events of this type, such as `invoice.paid`
    r#type: Option<String>,
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// What happened to a tenant, newest first
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/events", tag = "events",
    params(("tenant_id" = String, Path), HistoryQuery),
    responses((status = 200, body = Page<EventView>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn history(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    Query(query): Query<HistoryQuery>,
) -> Result<JsonAnswer<Page<EventView>>> {
    let tenant = caller.tenant(tenant, Permission::Read)?;
    let limit = bounded(query.limit, 20)?;
    let filter = Filter {
        r#type: match &query.r#type {
            Some(word) => Some(word.parse().map_err(|_| invalid("type", "is not an event type"))?),
            None => None,
        },
        before: match &query.cursor {
            Some(cursor) => {
                Some(cursor.parse().map_err(|_| invalid("cursor", "is not one of ours"))?)
            }
            None => None,
        },
    };
    let mut conn = app.db.read().await?;
    last_sequence(&mut conn, tenant).await?;
    let rows = queries::history(&mut conn, tenant, filter, limit).await?;
    Ok(JsonAnswer(Page::of(rows, limit, |row| row.sequence.to_string(), EventView::from)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct StreamQuery {
    /// For our staff: whose events. A tenant's own credential needs none.
    tenant_id: Option<String>,
    /// As the `Last-Event-ID` header, for clients that cannot set one.
    last_event_id: Option<i64>,
}

/// A tenant's events as they happen, as server-sent events
///
/// `id:` is the sequence. `Last-Event-ID` resumes after that event without gap or duplicate; without it
/// the stream begins with what happens next. The connection is closed after a while; clients reconnect.
#[utoipa::path(get, path = "/api/v1/billing/stream", tag = "events",
    params(StreamQuery, ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response> {
    if !app.config.stream.enabled {
        return Err(not_found("stream", "billing"));
    }
    let tenant = match &query.tenant_id {
        Some(id) => {
            let id: TenantId = id.parse().map_err(|_| not_found("tenant", id))?;
            caller.tenant(id, Permission::Read)?
        }
        None if caller.sees_all_tenants() => {
            return Err(invalid("tenant_id", "is needed: name the tenant to listen to"));
        }
        None => caller.own_tenant(Permission::Read)?,
    };
    let mut conn = app.db.read().await?;
    let newest = last_sequence(&mut conn, tenant).await?;
    let given = match headers.get("last-event-id").map(|value| value.to_str()) {
        Some(Ok(text)) => {
            Some(text.parse::<i64>().map_err(|_| invalid("Last-Event-ID", "is not a sequence"))?)
        }
        Some(Err(_)) => return Err(invalid("Last-Event-ID", "is not a sequence")),
        None => query.last_event_id,
    };
    let after = given.unwrap_or(newest);
    drop(conn);
    let stream = app.streams.open(&app, tenant, after);
    Ok(stream.ok_or(Error::Limited { retry_after_seconds: 5 })?.into_response())
}

/// The tenant's newest number. Creating a tenant is its first event: who has none does not exist.
async fn last_sequence(conn: &mut Conn, tenant: TenantId) -> Result<i64> {
    match queries::last_sequence(conn, tenant).await? {
        0 => Err(not_found("tenant", tenant)),
        newest => Ok(newest),
    }
}
