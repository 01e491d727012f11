//! The invoices of the caller's tenant, in the few fields an operations console shows.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, invoice::InvoiceStatus, money::Amount, time::Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    db::Page,
    error::{Problem, Result},
    http::{
        auth::Caller,
        extract::{Query, bounded},
    },
    invoices::queries::{self, Invoice},
    tenants::actions as tenants,
};

/// An invoice.
#[derive(Serialize, ToSchema)]
pub struct BriefInvoice {
    /// Stripe's.
    id: String,
    number: Option<String>,
    /// Major units.
    #[schema(value_type = f64, example = 29.00)]
    amount_due: Amount,
    #[schema(value_type = f64, example = 29.00)]
    amount_paid: Amount,
    currency: String,
    /// `draft`, `open`, `paid`, `uncollectible` or `void`
    status: String,
    #[schema(value_type = String)]
    created: Timestamp,
    #[schema(value_type = Option<String>)]
    due_date: Option<Timestamp>,
    paid: bool,
    invoice_pdf: Option<String>,
    hosted_invoice_url: Option<String>,
}

impl From<Invoice> for BriefInvoice {
    fn from(row: Invoice) -> Self {
        Self {
            amount_due: Amount(row.money(row.amount_due)),
            amount_paid: Amount(row.money(row.amount_paid)),
            id: row.stripe_invoice_id.to_string(),
            number: row.number,
            currency: row.currency.code().to_owned(),
            status: row.status.as_str().to_owned(),
            created: row.created_at,
            due_date: row.due_date,
            paid: row.status == InvoiceStatus::Paid,
            invoice_pdf: row.invoice_pdf,
            hosted_invoice_url: row.hosted_invoice_url,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// 1 to 100; 10 where absent
    limit: Option<i64>,
}

/// The invoices of the caller's tenant, newest first
#[utoipa::path(get, path = "/api/v1/billing/invoices", tag = "invoices", params(ListQuery),
    responses((status = 200, body = Vec<BriefInvoice>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<BriefInvoice>>> {
    let tenant = tenants::get(&app, caller.own_tenant(Permission::Read)?).await?;
    let limit = bounded(query.limit, 10)?;
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, tenant.id, None, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), BriefInvoice::from).data))
}
