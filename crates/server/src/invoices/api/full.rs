//! One invoice in full: lines, payments, refunds, disputes and credit notes.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tollhouse_domain::{
    actor::Permission,
    id::TenantId,
    money::{Amount, Currency, Money},
    plan::Plan,
    price::Price,
    time::Timestamp,
};
use tollhouse_stripe::PriceId;
use utoipa::{IntoParams, ToSchema};

use super::view::{CreditNoteView, DisputeView, InvoiceView, PaymentView, RefundView};
use crate::{
    app::App,
    catalog::queries as catalog,
    db::{Conn, Page},
    error::{Problem, Result, not_found},
    http::{
        auth::Caller,
        extract::{Query, bounded, cursor},
    },
    invoices::{
        actions::get_named,
        parts::{self, Line},
        queries::Invoice,
    },
};

/// Lines that come with the invoice; the next ones are asked for.
const FIRST_LINES: i64 = 100;

/// An invoice with everything that belongs to it.
#[derive(Serialize, ToSchema)]
pub struct FullInvoice {
    #[serde(flatten)]
    invoice: InvoiceView,
    /// The first hundred; the others are at `…/lines`.
    lines: Page<LineView>,
    /// Oldest first.
    payments: Vec<PaymentView>,
    /// Oldest first.
    refunds: Vec<RefundView>,
    /// Oldest first.
    disputes: Vec<DisputeView>,
    /// Oldest first.
    credit_notes: Vec<CreditNoteView>,
}

/// One line of an invoice.
#[derive(Serialize, ToSchema)]
pub struct LineView {
    stripe_line_id: String,
    /// Stripe's words.
    description: String,
    /// Its plan in our catalog.
    plan: Option<String>,
    plan_code: Option<String>,
    /// The code of the meter whose count `quantity` is; null for what is paid in advance.
    meter: Option<String>,
    /// Seats, or what a meter counted, to the last decimal.
    #[schema(value_type = Option<f64>, example = 1)]
    quantity: Option<Box<RawValue>>,
    /// Before discount, and before tax that comes on top.
    #[schema(value_type = f64, example = 29.00)]
    amount: Amount,
    #[schema(value_type = f64, example = 0.00)]
    discount: Amount,
    #[schema(value_type = f64, example = 0.00)]
    tax: Amount,
    /// The part of `tax` that is within `amount`.
    #[schema(value_type = f64, example = 0.00)]
    tax_included: Amount,
    #[schema(value_type = String)]
    period_start: Timestamp,
    #[schema(value_type = String)]
    period_end: Timestamp,
    /// Whether it makes up for a part of a period.
    proration: bool,
}

/// One invoice of a tenant, with its lines, payments, refunds, disputes and credit notes
///
/// `invoice_id` is ours or Stripe's.
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/invoices/{invoice_id}", tag = "invoices",
    params(("tenant_id" = String, Path), ("invoice_id" = String, Path)),
    responses((status = 200, body = FullInvoice), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((tenant, invoice)): Path<(String, String)>,
) -> Result<Json<FullInvoice>> {
    let tenant = named_tenant(&caller, &tenant)?;
    let mut conn = app.db.read().await?;
    let row = get_named(&mut conn, tenant, &invoice).await?;
    let (id, currency) = (row.id, row.currency);
    let payments = parts::payments(&mut conn, id).await?;
    let refunds = parts::refunds(&mut conn, id).await?;
    let disputes = parts::disputes(&mut conn, id).await?;
    let credit_notes = parts::credit_notes(&mut conn, id).await?;
    Ok(Json(FullInvoice {
        lines: page_of_lines(&mut conn, &row, 0, FIRST_LINES).await?,
        payments: payments.into_iter().map(|row| PaymentView::of(row, currency)).collect(),
        refunds: refunds.into_iter().map(|row| RefundView::of(row, currency)).collect(),
        disputes: disputes.into_iter().map(|row| DisputeView::of(row, currency)).collect(),
        credit_notes: credit_notes
            .into_iter()
            .map(|row| CreditNoteView::of(row, currency))
            .collect(),
        invoice: InvoiceView::from(row),
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct LinesQuery {
    cursor: Option<String>,
    /// 1 to 100; 100 where absent
    limit: Option<i64>,
}

/// The lines of an invoice, in its order
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/invoices/{invoice_id}/lines", tag = "invoices",
    params(("tenant_id" = String, Path), ("invoice_id" = String, Path), LinesQuery),
    responses((status = 200, body = Page<LineView>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn lines(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((tenant, invoice)): Path<(String, String)>,
    Query(query): Query<LinesQuery>,
) -> Result<Json<Page<LineView>>> {
    let tenant = named_tenant(&caller, &tenant)?;
    let limit = bounded(query.limit, FIRST_LINES)?;
    let last: i64 = cursor(query.cursor.as_deref())?.unwrap_or(-1);
    let mut conn = app.db.read().await?;
    let row = get_named(&mut conn, tenant, &invoice).await?;
    Ok(Json(page_of_lines(&mut conn, &row, last.saturating_add(1), limit).await?))
}

/// The tenant of a path, for somebody who may read it.
fn named_tenant(caller: &Caller, tenant: &str) -> Result<TenantId> {
    let id = tenant.parse().map_err(|_| not_found("tenant", tenant))?;
    caller.tenant(id, Permission::Read)
}

async fn page_of_lines(
    conn: &mut Conn,
    invoice: &Invoice,
    position: i64,
    limit: i64,
) -> Result<Page<LineView>> {
    let rows = parts::lines(conn, invoice.id, position, limit).await?;
    let mut sold = BTreeMap::new();
    for id in rows.iter().filter_map(|line| line.stripe_price_id.as_ref()) {
        if !sold.contains_key(id) {
            sold.insert(id.clone(), find_sold(conn, id).await?);
        }
    }
    let shown = |line: Line| {
        let found = line.stripe_price_id.as_ref().and_then(|id| sold.get(id)?.as_ref());
        line_view(line, found, invoice.currency)
    };
    Ok(Page::of(rows, limit, |line| line.position.to_string(), shown))
}

/// What a price of Stripe's is in our catalog.
struct Sold {
    plan: Plan,
    meter: Option<String>,
}

async fn find_sold(conn: &mut Conn, id: &PriceId) -> Result<Option<Sold>> {
    let Some(price) = catalog::find_price_by_stripe_id(conn, id).await? else { return Ok(None) };
    let plan = catalog::find_plan(conn, &price.plan_code, price.plan_version).await?;
    let Some(plan) = plan else { return Ok(None) };
    let meter = price.definition.to::<Price>()?.meter;
    Ok(Some(Sold { plan: plan.definition.to()?, meter }))
}

fn line_view(line: Line, sold: Option<&Sold>, currency: Currency) -> LineView {
    let amount = |minor: i64| Amount(Money::new(minor, currency));
    LineView {
        amount: amount(line.amount),
        discount: amount(line.discount),
        tax: amount(line.tax),
        tax_included: amount(line.tax_included),
        stripe_line_id: line.stripe_line_id.to_string(),
        description: line.description,
        plan: sold.map(|sold| sold.plan.name.clone()),
        plan_code: sold.map(|sold| sold.plan.code.clone()),
        meter: sold.and_then(|sold| sold.meter.clone()),
        // A decimal in JSON as Stripe wrote it, past any float.
        quantity: line.quantity.and_then(|quantity| RawValue::from_string(quantity).ok()),
        period_start: line.period_start,
        period_end: line.period_end,
        proration: line.proration,
    }
}
