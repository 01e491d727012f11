//! Tenants for the operator: list and show.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, id::TenantId};
use utoipa::IntoParams;

use super::view::{TenantDetail, TenantView, detail};
use crate::{
    app::App,
    db::Page,
    error::{Problem, Result, invalid},
    http::{
        auth::Caller,
        extract::{Query, TenantPath, bounded, cursor},
    },
    platform::queries::{self, Filter},
    subscriptions::queries as subscriptions,
    tenants::actions as tenants,
};

const TEXT_LENGTH_MAX: usize = 200;

/// Show a tenant with what it has
#[utoipa::path(get, path = "/api/v1/stripe/tenants/{tenant_id}", tag = "tenants",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = TenantDetail), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(id): TenantPath,
) -> Result<Json<TenantDetail>> {
    caller.tenant(id, Permission::ReadAnyTenant)?;
    let tenant = tenants::get(&app, id).await?;
    Ok(Json(detail(&app, tenant).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// `active`, `suspended` or `terminated`
    status: Option<String>,
    /// The code of the base plan it has.
    plan: Option<String>,
    /// A part of its name or its addresses, in whatever case.
    text: Option<String>,
    /// 1 to 100
    limit: Option<i64>,
    cursor: Option<String>,
}

/// List tenants, newest first
#[utoipa::path(get, path = "/api/v1/stripe/tenants", tag = "tenants", params(ListQuery),
    responses((status = 200, body = Page<TenantView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<TenantView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let before: Option<TenantId> = cursor(query.cursor.as_deref())?;
    let status = query.status.as_deref().map(str::parse).transpose();
    let status =
        status.map_err(|_| invalid("status", "must be `active`, `suspended` or `terminated`"))?;
    for (field, text) in [("text", &query.text), ("plan", &query.plan)] {
        if text.as_ref().is_some_and(|text| text.len() > TEXT_LENGTH_MAX || text.contains('\0')) {
            return Err(invalid(field, "must be at most 200 bytes of text"));
        }
    }
    let filter = Filter { status, plan: query.plan, text: query.text };
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, &filter, before, limit).await?;
    let ids: Vec<TenantId> = rows.iter().map(|row| row.id).collect();
    let bases = subscriptions::list_live_bases(&mut conn, &ids).await?;
    let shown = |row: crate::tenants::queries::Tenant| {
        let base = bases.iter().find(|base| base.tenant_id == row.id);
        TenantView::of(row, base)
    };
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), shown).transpose()?))
}
