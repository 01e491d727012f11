//! `/api/v1/admin/api-keys`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::{Permission, Scope},
    id::{ApiKeyId, TenantId},
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    actions::{self, WantedKey},
    queries::{self, ApiKey},
};
use crate::{
    app::App,
    db::Page,
    error::{Error, FieldProblem, Problem, Result, not_found},
    http::{
        ShownOnce, Work,
        auth::Caller,
        extract::{JsonBody, Query, bounded, cursor},
    },
};

const NAME_LENGTH_MAX: usize = 100;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(revoke))
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// For people: which program has it.
    pub name: String,
    /// One or more of `usage:write`, `entitlements:read`, `tenants:read`, `tenants:write`, `admin`.
    pub scopes: Vec<String>,
    /// The only tenant it reaches; all of them where absent.
    pub tenant_id: Option<String>,
    /// From then on it opens nothing; never where absent.
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<String>,
}

/// An API key, without what it opens by.
#[derive(Serialize, ToSchema)]
pub struct ApiKeyView {
    #[schema(value_type = String)]
    id: ApiKeyId,
    name: String,
    /// How it begins.
    prefix: String,
    scopes: Vec<String>,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    created_by: String,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    revoked_at: Option<Timestamp>,
    /// To the minute.
    #[schema(value_type = Option<String>)]
    last_used_at: Option<Timestamp>,
}

/// An API key that was just made.
#[derive(Serialize, ToSchema)]
pub struct CreatedApiKey {
    #[serde(flatten)]
    shown: ApiKeyView,
    /// The key itself. It is shown here and never again.
    key: String,
}

impl ApiKeyView {
    fn of(key: ApiKey) -> Result<Self> {
        Ok(Self {
            scopes: key.scopes.to()?,
            id: key.id,
            name: key.name,
            prefix: format!("{}{}", actions::MARK, key.prefix),
            tenant_id: key.tenant_id,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        })
    }
}

/// Make an API key; it is shown once
#[utoipa::path(post, path = "/api/v1/admin/api-keys", tag = "credentials", request_body = CreateApiKey,
    responses((status = 201, body = CreatedApiKey), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Extension<ShownOnce>, Json<CreatedApiKey>)> {
    caller.require(Permission::Operate)?;
    let wanted = checked(body.read()?, ApiKeyId::from_uuid(work.0), app.clock.now())?;
    let (row, key) = actions::create(&app, &caller.origin(), wanted).await?;
    let created = CreatedApiKey { shown: ApiKeyView::of(row)?, key };
    Ok((StatusCode::CREATED, Extension(ShownOnce), Json(created)))
}

/// What was asked for, as a key to be made.
///
/// # Errors
/// `Invalid`, with every problem at once, each at its field; `NotFound` for a tenant that is no UUID.
pub fn checked(request: CreateApiKey, id: ApiKeyId, now: Timestamp) -> Result<WantedKey> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: String| {
        problems.push(FieldProblem { field: field.to_owned(), message });
    };
    let name = request.name.trim();
    if name.is_empty() || name.len() > NAME_LENGTH_MAX || name.contains(char::is_control) {
        refuse("name", "must be 1 to 100 bytes of plain text".to_owned());
    }
    let mut scopes: Vec<Scope> = Vec::new();
    for word in &request.scopes {
        match word.parse() {
            Ok(scope) if !scopes.contains(&scope) => scopes.push(scope),
            Ok(_) => {}
            Err(_) => {
                let words: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                refuse("scopes", format!("must be of {}", words.join(", ")));
                break;
            }
        }
    }
    if request.scopes.is_empty() {
        refuse("scopes", "must be at least one".to_owned());
    }
    let expires_at = request.expires_at.as_deref().map(str::parse::<Timestamp>).transpose();
    match &expires_at {
        Err(_) => refuse("expires_at", "must be a time such as `2027-01-31T00:00:00Z`".to_owned()),
        Ok(Some(end)) if *end <= now => refuse("expires_at", "must be in the future".to_owned()),
        Ok(_) => {}
    }
    let Some(expires_at) = expires_at.ok().filter(|_| problems.is_empty()) else {
        return Err(Error::Invalid(problems));
    };
    let tenant = match request.tenant_id {
        Some(id) => Some(id.parse().map_err(|_| not_found("tenant", &id))?),
        None => None,
    };
    Ok(WantedKey { id, name: name.to_owned(), scopes, tenant, expires_at })
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Only those bound to this tenant.
    tenant_id: Option<String>,
    /// 1 to 100
    limit: Option<i64>,
    cursor: Option<String>,
}

/// List API keys, newest first
#[utoipa::path(get, path = "/api/v1/admin/api-keys", tag = "credentials", params(ListQuery),
    responses((status = 200, body = Page<ApiKeyView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<ApiKeyView>>> {
    caller.require(Permission::Operate)?;
    let limit = bounded(query.limit, 20)?;
    let tenant: Option<TenantId> = match &query.tenant_id {
        Some(id) => Some(id.parse().map_err(|_| not_found("tenant", id))?),
        None => None,
    };
    let before = cursor(query.cursor.as_deref())?;
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, tenant, before, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), ApiKeyView::of).transpose()?))
}

/// Revoke an API key, for good
#[utoipa::path(delete, path = "/api/v1/admin/api-keys/{id}", tag = "credentials",
    params(("id" = String, Path)),
    responses((status = 200, body = ApiKeyView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ApiKeyView>> {
    caller.require(Permission::Operate)?;
    let id: ApiKeyId = id.parse().map_err(|_| not_found("API key", &id))?;
    Ok(Json(ApiKeyView::of(actions::revoke(&app, &caller.origin(), id).await?)?))
}
