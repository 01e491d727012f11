//! Tenants for the operator: create, show, list.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, id::TenantId, tenant::TenantStatus, time::Timestamp};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    actions,
    queries::{self, Tenant},
};
use crate::{
    app::App,
    db::{Json as Stored, Page},
    error::{Error, FieldProblem, Problem, Result, invalid},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, Query, TenantPath, bounded},
    },
};

const NAME_LENGTH_MAX: usize = 200;
const EMAIL_LENGTH_MAX: usize = 254;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(show))
}

/// A new tenant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTenant {
    /// The application's own id for it, a UUID; made where absent.
    #[schema(value_type = Option<String>)]
    id: Option<String>,
    name: String,
    /// The contact's address.
    email: String,
    billing_email: Option<String>,
    support_tier: Option<String>,
    sla_level: Option<i64>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// A tenant.
#[derive(Serialize, ToSchema)]
pub struct TenantView {
    #[schema(value_type = String)]
    id: TenantId,
    name: String,
    email: String,
    billing_email: Option<String>,
    /// `active`, `suspended` or `terminated`
    #[schema(value_type = String)]
    status: TenantStatus,
    support_tier: String,
    sla_level: i64,
    #[schema(value_type = Object)]
    metadata: Stored,
    stripe_customer_id: Option<String>,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id,
            name: tenant.name,
            email: tenant.contact_email,
            billing_email: tenant.billing_email,
            status: tenant.status,
            support_tier: tenant.support_tier,
            sla_level: tenant.sla_level,
            metadata: tenant.metadata,
            stripe_customer_id: tenant.stripe_customer_id.map(|id| id.to_string()),
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
        }
    }
}

/// Create a tenant
#[utoipa::path(post, path = "/api/v1/stripe/tenants", tag = "tenants", request_body = CreateTenant,
    responses((status = 201, body = TenantView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<TenantView>)> {
    caller.require(Permission::Operate)?;
    let request: CreateTenant = body.read()?;
    let problems = problems(&request);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let id = match &request.id {
        Some(id) => id.parse().map_err(|_| invalid("id", "must be a UUID"))?,
        None => TenantId::from_uuid(work.0),
    };
    let now = app.clock.now();
    let new = Tenant {
        id,
        name: request.name,
        contact_email: request.email,
        billing_email: request.billing_email,
        status: TenantStatus::Active,
        support_tier: request.support_tier.unwrap_or_else(|| "standard".to_owned()),
        sla_level: request.sla_level.unwrap_or(0),
        metadata: Stored::of(&request.metadata)?,
        stripe_customer_id: None,
        customer_named: false,
        created_at: now,
        updated_at: now,
    };
    let tenant = actions::create(&app, &caller.origin(), new).await?;
    Ok((StatusCode::CREATED, Json(tenant.into())))
}

fn problems(request: &CreateTenant) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: &str| {
        problems.push(FieldProblem { field: field.to_owned(), message: message.to_owned() });
    };
    if request.name.trim().is_empty() || request.name.len() > NAME_LENGTH_MAX {
        refuse("name", "must be 1 to 200 bytes");
    }
    if !looks_like_email(&request.email) {
        refuse("email", "must be an e-mail address");
    }
    if request.billing_email.as_deref().is_some_and(|email| !looks_like_email(email)) {
        refuse("billing_email", "must be an e-mail address");
    }
    if request.metadata.len() > 50 {
        refuse("metadata", "must have at most 50 keys");
    }
    problems
}

/// As much as can be known without sending a message.
pub fn looks_like_email(text: &str) -> bool {
    text.len() <= EMAIL_LENGTH_MAX
        && !text.contains(char::is_whitespace)
        && text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !host.contains('@')
        })
}

/// Show a tenant
#[utoipa::path(get, path = "/api/v1/stripe/tenants/{tenant_id}", tag = "tenants",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = TenantView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(id): TenantPath,
) -> Result<Json<TenantView>> {
    caller.tenant(id, Permission::ReadAnyTenant)?;
    Ok(Json(actions::get(&app, id).await?.into()))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// 1 to 100
    limit: Option<i64>,
    cursor: Option<String>,
}

/// List tenants, newest first
#[utoipa::path(get, path = "/api/v1/stripe/tenants", tag = "tenants", params(ListQuery),
    responses((status = 200, body = Page<TenantView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<TenantView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let before = match &query.cursor {
        Some(cursor) => Some(cursor.parse().map_err(|_| invalid("cursor", "is not one of ours"))?),
        None => None,
    };
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, before, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), TenantView::from)))
}
