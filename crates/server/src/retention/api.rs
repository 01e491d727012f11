//! `/api/v1/admin/retention/runs`

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State as Shared, http::StatusCode};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, id::RetentionRunId, time::Timestamp};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    actions,
    queries::{self, Run},
};
use crate::{
    app::App,
    db::Page,
    error::{Problem, Result},
    http::{
        auth::Caller,
        extract::{JsonBody, Query, bounded, cursor},
    },
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, request))
}

/// What to do about what was kept long enough.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestRetentionRun {
    /// Count what would go, and remove nothing.
    #[serde(default)]
    dry_run: bool,
}

/// One look at everything that is kept.
#[derive(Serialize, ToSchema)]
pub struct RetentionRunView {
    #[schema(value_type = String)]
    pub id: RetentionRunId,
    /// `running` or `done`
    #[schema(value_type = String)]
    pub state: String,
    pub dry_run: bool,
    /// How many rows went, or would go, by table. Of `deliveries` body and headers; of `tenants`, `subscriptions`
    /// and `invoices` what is personal.
    #[schema(value_type = Object)]
    pub removed: BTreeMap<String, u64>,
    /// Why it was interrupted last; it goes on by itself while it is `running`.
    pub error: Option<String>,
    #[schema(value_type = String)]
    pub started_at: Timestamp,
    #[schema(value_type = Option<String>)]
    pub finished_at: Option<Timestamp>,
}

impl RetentionRunView {
    /// # Errors
    /// Never: what was counted was written by this program.
    pub fn of(run: Run) -> Result<Self> {
        Ok(Self {
            removed: run.removed.to()?,
            id: run.id,
            state: run.state.to_string(),
            dry_run: run.dry_run,
            error: run.error,
            started_at: run.started_at,
            finished_at: run.finished_at,
        })
    }
}

/// Remove what was kept long enough, now
///
/// A task works at it, as it does each day; `GET` shows how far it is. Where a run is under way already, it is
/// that one.
#[utoipa::path(post, path = "/api/v1/admin/retention/runs", tag = "retention", request_body = RequestRetentionRun,
    responses((status = 202, body = RetentionRunView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn request(
    Shared(app): Shared<Arc<App>>,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, Json<RetentionRunView>)> {
    caller.require(Permission::Operate)?;
    let wanted: RequestRetentionRun = body.read()?;
    let run = actions::request(&app, wanted.dry_run).await?;
    Ok((StatusCode::ACCEPTED, Json(RetentionRunView::of(run)?)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// Retention runs, newest first, with what went
#[utoipa::path(get, path = "/api/v1/admin/retention/runs", tag = "retention", params(ListQuery),
    responses((status = 200, body = Page<RetentionRunView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    Shared(app): Shared<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<RetentionRunView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let before = cursor(query.cursor.as_deref())?;
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, before, limit).await?;
    let page = Page::of(rows, limit, |row| row.id.to_string(), RetentionRunView::of);
    Ok(Json(page.transpose()?))
}
