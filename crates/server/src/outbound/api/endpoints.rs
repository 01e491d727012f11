//! `/api/v1/admin/webhook-endpoints`

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{TenantId, WebhookEndpointId},
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};

use super::EndpointPath;
use crate::{
    app::App,
    db::{Json as Stored, Page},
    error::{Error, FieldProblem, Problem, Result, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, Query, bounded, cursor},
    },
    outbound::{
        actions::{self, Changes, Wanted},
        filter::is_pattern,
        queries::{self, Endpoint},
    },
};

const DESCRIPTION_LENGTH_MAX: usize = 500;
const PATTERNS_MAX: usize = 50;

/// Where events are to be posted, and which.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhookEndpoint {
    /// `https://…`, on the public internet unless the settings allow more.
    url: String,
    /// For people; at most 500 characters.
    #[serde(default)]
    description: String,
    /// `*`, `invoice.*`, `invoice.paid`; all where absent.
    #[schema(example = json!(["invoice.*", "subscription.canceled"]))]
    enabled_events: Option<Vec<String>>,
    /// The only tenant whose events it is told of; every tenant's where absent.
    tenant_id: Option<String>,
}

/// What is to be different.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhookEndpoint {
    url: Option<String>,
    description: Option<String>,
    enabled_events: Option<Vec<String>>,
    /// Off: events wait. On again: sending goes on from where it stopped.
    enabled: Option<bool>,
}

/// A URL that events are posted to.
#[derive(Serialize, ToSchema)]
pub struct WebhookEndpointView {
    #[schema(value_type = String)]
    id: WebhookEndpointId,
    url: String,
    description: String,
    #[schema(value_type = Vec<String>)]
    enabled_events: Stored,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    enabled: bool,
    #[schema(value_type = Option<String>)]
    disabled_at: Option<Timestamp>,
    disabled_reason: Option<String>,
    /// Since when every attempt failed; after five days it is disabled.
    #[schema(value_type = Option<String>)]
    failing_since: Option<Timestamp>,
    /// Until when the secret of before signs too.
    #[schema(value_type = Option<String>)]
    previous_secret_until: Option<Timestamp>,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

impl WebhookEndpointView {
    pub(super) fn of(row: Endpoint, now: Timestamp) -> Self {
        Self {
            id: row.id,
            url: row.url,
            description: row.description,
            enabled_events: row.enabled_events,
            tenant_id: row.tenant_id,
            enabled: row.enabled,
            disabled_at: row.disabled_at,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since,
            previous_secret_until: row.previous_secret_until.filter(|until| *until > now),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// An endpoint with its secret, which no other answer shows.
#[derive(Serialize, ToSchema)]
pub struct WebhookEndpointWithSecret {
    #[serde(flatten)]
    endpoint: WebhookEndpointView,
    /// `whsec_…`: keep it where the receiver finds it. It is not shown again.
    secret: String,
}

impl WebhookEndpointWithSecret {
    pub(super) fn of(row: Endpoint, now: Timestamp) -> Self {
        let secret = row.secret.expose().to_owned();
        Self { endpoint: WebhookEndpointView::of(row, now), secret }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// The webhook endpoints, newest first
#[utoipa::path(get, path = "/api/v1/admin/webhook-endpoints", tag = "webhook endpoints", params(ListQuery),
    responses((status = 200, body = Page<WebhookEndpointView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<WebhookEndpointView>>> {
    caller.require(Permission::Operate)?;
    let limit = bounded(query.limit, 20)?;
    let before = cursor(query.cursor.as_deref())?;
    let mut conn = app.db.read().await?;
    let rows = queries::list_endpoints(&mut conn, before, limit).await?;
    let now = app.clock.now();
    let shown = |row| WebhookEndpointView::of(row, now);
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), shown)))
}

/// A webhook endpoint
#[utoipa::path(get, path = "/api/v1/admin/webhook-endpoints/{id}", tag = "webhook endpoints",
    params(("id" = String, Path)),
    responses((status = 200, body = WebhookEndpointView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<EndpointPath>,
) -> Result<Json<WebhookEndpointView>> {
    caller.require(Permission::Operate)?;
    let row = actions::get(&app, id?.0).await?;
    Ok(Json(WebhookEndpointView::of(row, app.clock.now())))
}

/// Make a webhook endpoint
///
/// It is told of what happens from now on, signed with the secret that this answer shows.
#[utoipa::path(post, path = "/api/v1/admin/webhook-endpoints", tag = "webhook endpoints",
    request_body = CreateWebhookEndpoint,
    responses((status = 201, body = WebhookEndpointWithSecret), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<WebhookEndpointWithSecret>)> {
    caller.require(Permission::Operate)?;
    let request: CreateWebhookEndpoint = body.read()?;
    let enabled_events = request.enabled_events.unwrap_or_else(|| vec!["*".to_owned()]);
    let given = (Some(&request.url), Some(&request.description), Some(&enabled_events));
    check(&app, given).await?;
    let tenant = match &request.tenant_id {
        Some(id) => Some(id.parse().map_err(|_| not_found("tenant", id))?),
        None => None,
    };
    let wanted =
        Wanted { url: request.url, description: request.description, enabled_events, tenant };
    let row = actions::create(&app, &caller.origin(), work.0, wanted).await?;
    Ok((StatusCode::CREATED, Json(WebhookEndpointWithSecret::of(row, app.clock.now()))))
}

/// Change a webhook endpoint
///
/// Enabled again, or at another URL, it is told at once of what it was not told of.
#[utoipa::path(patch, path = "/api/v1/admin/webhook-endpoints/{id}", tag = "webhook endpoints",
    params(("id" = String, Path)), request_body = UpdateWebhookEndpoint,
    responses((status = 200, body = WebhookEndpointView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<EndpointPath>,
    body: JsonBody,
) -> Result<Json<WebhookEndpointView>> {
    caller.require(Permission::Operate)?;
    let id = id?.0;
    let request: UpdateWebhookEndpoint = body.read()?;
    let given =
        (request.url.as_ref(), request.description.as_ref(), request.enabled_events.as_ref());
    check(&app, given).await?;
    let changes = Changes {
        url: request.url,
        description: request.description,
        enabled_events: request.enabled_events,
        enabled: request.enabled,
    };
    let row = actions::update(&app, &caller.origin(), id, changes).await?;
    Ok(Json(WebhookEndpointView::of(row, app.clock.now())))
}

/// Take a webhook endpoint away
///
/// Nothing is sent to it any more, and what it was sent is forgotten.
#[utoipa::path(delete, path = "/api/v1/admin/webhook-endpoints/{id}", tag = "webhook endpoints",
    params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<EndpointPath>,
) -> Result<StatusCode> {
    caller.require(Permission::Operate)?;
    actions::delete(&app, &caller.origin(), id?.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// URL, description and patterns, where they are given.
type Given<'a> = (Option<&'a String>, Option<&'a String>, Option<&'a Vec<String>>);

/// Every problem at once, each at its field.
async fn check(app: &App, (url, description, patterns): Given<'_>) -> Result<()> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: String| {
        problems.push(FieldProblem { field: field.to_owned(), message });
    };
    if let Some(url) = url
        && let Err(why) = app.sender.check(url).await
    {
        refuse("url", why.to_string());
    }
    if description.is_some_and(|text| text.chars().count() > DESCRIPTION_LENGTH_MAX) {
        refuse("description", "must be at most 500 characters".to_owned());
    }
    if patterns.is_some_and(|patterns| !(1..=PATTERNS_MAX).contains(&patterns.len())) {
        refuse("enabled_events", "must be 1 to 50 patterns; `*` stands for every event".to_owned());
    }
    for (index, pattern) in patterns.into_iter().flatten().enumerate().take(PATTERNS_MAX) {
        if !is_pattern(pattern) {
            let field = format!("enabled_events[{index}]");
            refuse(
                &field,
                "must be `*`, a type such as `invoice.paid`, or all of a subject as `invoice.*`"
                    .to_owned(),
            );
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}
