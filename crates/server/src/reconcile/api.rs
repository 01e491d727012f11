//! `/api/v1/admin/reconcile` and `/api/v1/admin/drift`

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{DriftId, RunId, TenantId},
    reconcile::{DriftState, RunKind, RunState, Stage},
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    actions,
    drift::{
        picture::Difference,
        queries::{self as drifts, Drift},
    },
    queries::{self, Run},
};
use crate::{
    app::App,
    db::Page,
    error::{Error, Problem, Result, invalid, not_found},
    http::{
        auth::Caller,
        extract::{JsonBody, Query, bounded, cursor},
    },
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_runs, request))
        .routes(routes!(list_drift))
        .routes(routes!(resolve))
}

/// What to compare.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestRun {
    /// Every object too, and not only the webhooks that never came.
    #[serde(default)]
    full: bool,
}

/// One comparison of our tables with Stripe.
#[derive(Serialize, ToSchema)]
pub struct RunView {
    #[schema(value_type = String)]
    pub id: RunId,
    /// `events`, `full` or `import`
    #[schema(value_type = String)]
    pub kind: RunKind,
    /// `running`, `done` or `failed`
    #[schema(value_type = String)]
    pub state: RunState,
    /// What is being compared, or was last.
    #[schema(value_type = String)]
    pub stage: Stage,
    /// Objects that were compared.
    pub looked_at: i64,
    /// Webhooks that never came.
    pub lost: i64,
    /// Objects of which we knew something else than Stripe.
    pub changed: i64,
    /// Objects that wait for a person.
    pub needs_person: i64,
    /// Tenants that an import made.
    pub tenants_made: i64,
    /// Why it was interrupted last; it goes on by itself while it is `running`.
    pub error: Option<String>,
    #[schema(value_type = String)]
    pub started_at: Timestamp,
    #[schema(value_type = Option<String>)]
    pub finished_at: Option<Timestamp>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            kind: run.kind,
            state: run.state,
            stage: run.stage,
            looked_at: run.looked_at,
            lost: run.lost,
            changed: run.changed,
            needs_person: run.needs_person,
            tenants_made: run.tenants_made,
            error: run.error,
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}

/// One thing that differed from Stripe.
#[derive(Serialize, ToSchema)]
pub struct DriftView {
    #[schema(value_type = String)]
    id: DriftId,
    /// The run that found it first.
    #[schema(value_type = String)]
    run_id: RunId,
    /// In Stripe's words: `subscription`, `invoice` …
    object: String,
    /// Stripe's.
    object_id: String,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    /// `healed`, `needs_person` or `resolved`
    #[schema(value_type = String)]
    state: DriftState,
    differences: Vec<Difference>,
    /// How it came; where it waits for a person, what stands against healing it.
    reason: String,
    #[schema(value_type = String)]
    found_at: Timestamp,
    /// When it was last found to be so.
    #[schema(value_type = String)]
    seen_at: Timestamp,
    #[schema(value_type = Option<String>)]
    healed_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    resolved_at: Option<Timestamp>,
}

impl DriftView {
    fn of(row: Drift) -> Result<Self> {
        let settled_as = |state| row.settled_at.filter(|_| row.state == state);
        Ok(Self {
            healed_at: settled_as(DriftState::Healed),
            resolved_at: settled_as(DriftState::Resolved),
            differences: row.differences.to()?,
            id: row.id,
            run_id: row.run_id,
            object: row.object_kind,
            object_id: row.object_id,
            tenant_id: row.tenant_id,
            state: row.state,
            reason: row.reason,
            found_at: row.found_at,
            seen_at: row.seen_at,
        })
    }
}

/// Compare with Stripe now
///
/// A task works at it; `GET` shows how far it is. Where a comparison is under way already, it is that one,
/// which then compares every object too if that is asked for.
#[utoipa::path(post, path = "/api/v1/admin/reconcile", tag = "reconcile", request_body = RequestRun,
    responses((status = 202, body = RunView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn request(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, Json<RunView>)> {
    caller.require(Permission::Operate)?;
    let wanted: RequestRun = body.read()?;
    let kind = if wanted.full { RunKind::Full } else { RunKind::Events };
    let run = actions::request(&app, &caller.origin(), kind, None).await?;
    Ok((StatusCode::ACCEPTED, Json(run.into())))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// Comparisons with Stripe, newest first
#[utoipa::path(get, path = "/api/v1/admin/reconcile", tag = "reconcile", params(ListQuery),
    responses((status = 200, body = Page<RunView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list_runs(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<RunView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let before = cursor(query.cursor.as_deref())?;
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, before, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), RunView::from)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DriftQuery {
    /// `healed`, `needs_person` or `resolved`; all where absent
    state: Option<String>,
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// What differed from Stripe, newest first
///
/// Healed by the same work as a webhook's, or waiting for a person, with the reason.
#[utoipa::path(get, path = "/api/v1/admin/drift", tag = "reconcile", params(DriftQuery),
    responses((status = 200, body = Page<DriftView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list_drift(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<DriftQuery>,
) -> Result<Json<Page<DriftView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let state: Option<DriftState> = match &query.state {
        Some(word) => Some(
            word.parse()
                .map_err(|_| invalid("state", "must be `healed`, `needs_person` or `resolved`"))?,
        ),
        None => None,
    };
    let before = cursor(query.cursor.as_deref())?;
    let mut conn = app.db.read().await?;
    let rows = drifts::list(&mut conn, state, before, limit).await?;
    let page = Page::of(rows, limit, |row| row.id.to_string(), DriftView::of);
    Ok(Json(page.transpose()?))
}

/// Say that what waited for a person is settled
///
/// Where it is not, the next comparison finds it again.
#[utoipa::path(post, path = "/api/v1/admin/drift/{id}/resolve", tag = "reconcile",
    params(("id" = String, Path)),
    responses((status = 200, body = DriftView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
async fn resolve(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<DriftPath>,
) -> Result<Json<DriftView>> {
    caller.require(Permission::Operate)?;
    let row = actions::resolve(&app, &caller.origin(), id?.0).await?;
    Ok(Json(DriftView::of(row)?))
}

/// The `{id}` of a path. What is not a UUID is drift that does not exist.
struct DriftPath(DriftId);

impl FromRequestParts<Arc<App>> for DriftPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let text = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| not_found("drift", "(not readable)"))?;
        text.parse().map(Self).map_err(|_| not_found("drift", text.as_str()))
    }
}
