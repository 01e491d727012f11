//! The customers, newest first.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, id::TenantId, time::Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::{
    analytics::queries::{self, Customer},
    app::App,
    db::{Json as Stored, Page},
    error::{Problem, Result},
    http::{
        auth::Caller,
        extract::{Query, bounded, cursor},
    },
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomersQuery {
    /// 1 to 100; 100 where absent
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct CustomerList {
    customers: Vec<CustomerView>,
    /// How many there are.
    total: i64,
    /// Give it as `cursor` to get the next page; `null` on the last one.
    next_cursor: Option<String>,
}

/// A tenant that is a customer at Stripe.
#[derive(Serialize, ToSchema)]
struct CustomerView {
    /// Stripe's.
    id: String,
    #[schema(value_type = String)]
    tenant_id: TenantId,
    /// Where invoices go.
    email: String,
    name: String,
    #[schema(value_type = String)]
    created: Timestamp,
    #[schema(value_type = Object)]
    metadata: Stored,
}

/// The tenants that are customers at Stripe, newest first
#[utoipa::path(get, path = "/api/v1/admin/billing/customers", tag = "analytics", params(CustomersQuery),
    responses((status = 200, body = CustomerList), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn customers(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<CustomersQuery>,
) -> Result<Json<CustomerList>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 100)?;
    let after: Option<TenantId> = cursor(query.cursor.as_deref())?;
    let mut snapshot = app.db.snapshot().await?;
    let total = queries::count_customers(&mut snapshot).await?;
    let rows = queries::list_customers(&mut snapshot, after, limit).await?;
    let page = Page::of(rows, limit, |row| row.tenant_id.to_string(), CustomerView::from);
    Ok(Json(CustomerList { customers: page.data, total, next_cursor: page.next_cursor }))
}

impl From<Customer> for CustomerView {
    fn from(row: Customer) -> Self {
        Self {
            id: row.stripe_customer_id.to_string(),
            tenant_id: row.tenant_id,
            email: row.billing_email.unwrap_or(row.contact_email),
            name: row.name,
            created: row.created_at,
            metadata: row.metadata,
        }
    }
}
