//! Events as they happen.

use std::sync::Arc;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, id::TenantId};
use utoipa::IntoParams;

use super::{
    super::{queries, stream::Source},
    last_sequence,
};
use crate::{
    app::App,
    error::{Error, Problem, Result, invalid, not_found},
    http::{auth::Caller, extract::Query},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct StreamQuery {
    /// For our staff: whose events; those of all tenants where absent. A tenant's own credential needs none.
    tenant_id: Option<String>,
    /// As the `Last-Event-ID` header, for clients that cannot set one.
    last_event_id: Option<i64>,
}

/// A tenant's events as they happen, or those of all tenants, as server-sent events
///
/// `id:` is the sequence; of all tenants together, the position. `Last-Event-ID` resumes after that event
/// without gap or duplicate; without it the stream begins with what happens next. The connection is closed
/// after a while; clients reconnect.
#[utoipa::path(get, path = "/api/v1/billing/stream", tag = "events",
    params(StreamQuery, ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
pub async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response> {
    if !app.config.stream.enabled {
        return Err(not_found("stream", "billing"));
    }
    let source = match &query.tenant_id {
        Some(id) => {
            let id: TenantId = id.parse().map_err(|_| not_found("tenant", id))?;
            Source::Tenant(caller.tenant(id, Permission::Read)?)
        }
        None if caller.sees_all_tenants() => Source::All,
        None => Source::Tenant(caller.own_tenant(Permission::Read)?),
    };
    let mut conn = app.db.read().await?;
    let newest = match source {
        Source::Tenant(tenant) => last_sequence(&mut conn, tenant).await?,
        Source::All => queries::last_position(&mut conn).await?,
    };
    let given = match headers.get("last-event-id").map(|value| value.to_str()) {
        Some(Ok(text)) => {
            Some(text.parse::<i64>().map_err(|_| invalid("Last-Event-ID", "is not a sequence"))?)
        }
        Some(Err(_)) => return Err(invalid("Last-Event-ID", "is not a sequence")),
        None => query.last_event_id,
    };
    let after = given.unwrap_or(newest);
    drop(conn);
    let stream = app.streams.open(&app, source, after);
    Ok(stream.ok_or(Error::Limited { retry_after_seconds: 5 })?.into_response())
}
