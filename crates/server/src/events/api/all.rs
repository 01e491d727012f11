//! The history of all tenants, in the one order that they have together.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, id::TenantId};
use utoipa::{IntoParams, ToSchema};

use super::{
    super::queries::{self, Event, Filter},
    history::{EventView, event_type, number},
};
use crate::{
    app::App,
    db::Page,
    error::{Problem, Result, invalid, not_found},
    http::{
        auth::Caller,
        extract::{Query, bounded},
    },
};

/// One thing that happened to some tenant.
#[derive(Serialize, ToSchema)]
pub struct AnyEventView {
    /// Where it stands among the events of all tenants: 1, 2, 3 … without gaps.
    position: i64,
    #[schema(value_type = String)]
    tenant_id: TenantId,
    #[serde(flatten)]
    event: EventView,
}

impl From<Event> for AnyEventView {
    fn from(event: Event) -> Self {
        Self {
            position: event.position.unwrap_or_default(),
            tenant_id: event.tenant_id,
            event: EventView::from(event),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AllQuery {
    /// Only events of this tenant
    tenant_id: Option<String>,
    /// Only events of this type, such as `invoice.paid`
    r#type: Option<String>,
    /// The newest first: from here on
    cursor: Option<String>,
    /// In the order in which they happened: what comes after this position. 0 begins at the beginning
    after: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// What happened to all tenants, newest first or, with `after`, in order
///
/// Every event has its `position` here and in the live stream of all tenants: who has read one position has
/// read all before it. `next_cursor` goes into the parameter that was used, `cursor` or `after`.
#[utoipa::path(get, path = "/api/v1/admin/events", tag = "events", params(AllQuery),
    responses((status = 200, body = Page<AnyEventView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn history_of_all(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<AllQuery>,
) -> Result<Json<Page<AnyEventView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let tenant: Option<TenantId> = match &query.tenant_id {
        Some(id) => Some(id.parse().map_err(|_| not_found("tenant", id))?),
        None => None,
    };
    let before = number("cursor", query.cursor.as_deref())?;
    let after = number("after", query.after.as_deref())?;
    if before.is_some() && after.is_some() {
        return Err(invalid("after", "goes the other way than `cursor`: give one of them"));
    }
    let filter = Filter { r#type: event_type(query.r#type.as_deref())?, before };
    let mut conn = app.db.read().await?;
    let rows = match after {
        Some(after) => {
            queries::since_of_all(&mut conn, tenant, filter.r#type, after, limit + 1).await?
        }
        None => queries::history_of_all(&mut conn, tenant, filter, limit).await?,
    };
    let position = |row: &Event| row.position.unwrap_or_default().to_string();
    Ok(Json(Page::of(rows, limit, position, AnyEventView::from)))
}
