//! A tenant's history.

use std::sync::Arc;

use axum::{Json as JsonAnswer, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, event::EventType, id::EventId, time::Timestamp};
use utoipa::{IntoParams, ToSchema};

use super::{
    super::queries::{self, Event, Filter},
    last_sequence,
};
use crate::{
    app::App,
    db::{Json, Page},
    error::{Problem, Result, invalid},
    http::{
        auth::Caller,
        extract::{Query, TenantPath, bounded},
    },
};

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
pub struct HistoryQuery {
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
pub async fn history(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    Query(query): Query<HistoryQuery>,
) -> Result<JsonAnswer<Page<EventView>>> {
    let tenant = caller.tenant(tenant, Permission::Read)?;
    let limit = bounded(query.limit, 20)?;
    let filter = Filter {
        r#type: event_type(query.r#type.as_deref())?,
        before: number("cursor", query.cursor.as_deref())?,
    };
    let mut conn = app.db.read().await?;
    last_sequence(&mut conn, tenant).await?;
    let rows = queries::history(&mut conn, tenant, filter, limit).await?;
    Ok(JsonAnswer(Page::of(rows, limit, |row| row.sequence.to_string(), EventView::from)))
}

pub fn event_type(word: Option<&str>) -> Result<Option<EventType>> {
    word.map(|word| word.parse().map_err(|_| invalid("type", "is not an event type"))).transpose()
}

/// A place in a list of events, as an earlier answer gave it.
pub fn number(field: &str, text: Option<&str>) -> Result<Option<i64>> {
    text.map(|text| text.parse().map_err(|_| invalid(field, "is not one of ours"))).transpose()
}
