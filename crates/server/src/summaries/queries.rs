//! The sums behind a summary: read from invoices and their parts, added up by the database.

use rust_decimal::Decimal;
use tollhouse_domain::{id::TenantId, invoice::InvoiceStatus, money::Currency, time::Timestamp};
use tollhouse_sql::Record;

use crate::db::{Conn, DbResult};

/// Whose invoices, and finalized when: from the first moment, and before the second.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub tenant: Option<TenantId>,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Invoices of one currency and status, added up; amounts are minor units.
#[derive(Clone, Debug, Record)]
pub struct InvoiceSums {
    pub currency: Currency,
    pub status: InvoiceStatus,
    pub invoices: i64,
    pub total: i64,
    pub tax: i64,
    pub discount: i64,
    /// Paid, or taken from the customer's balance.
    pub settled: i64,
    /// By credit notes, those included that refund what was paid.
    pub credited: i64,
    pub credited_before_payment: i64,
    pub refunded: i64,
}

pub async fn sum_invoices(conn: &mut Conn, span: Span) -> DbResult<Vec<InvoiceSums>> {
    conn.query(
        "SELECT currency, status, COUNT(*) AS invoices, CAST(SUM(total) AS bigint) AS total,
             CAST(SUM(tax) AS bigint) AS tax, CAST(SUM(discount) AS bigint) AS discount,
             CAST(SUM(amount_paid + balance_applied) AS bigint) AS settled,
             CAST(SUM(credited) AS bigint) AS credited, CAST(SUM(refunded) AS bigint) AS refunded,
             CAST(SUM(COALESCE((SELECT SUM(before_payment) FROM credit_notes
                 WHERE credit_notes.invoice_id = invoices.id AND credit_notes.status = 'issued'), 0))
                 AS bigint) AS credited_before_payment
         FROM invoices WHERE deleted_at IS NULL",
    )
    .filter(" AND tenant_id = ?", span.tenant)
    .filter(" AND finalized_at >= ?", Some(span.from))
    .filter(" AND finalized_at < ?", Some(span.to))
    .push(" GROUP BY currency, status ORDER BY currency, status")
    .all()
    .await
}

/// Lines of one currency, plan, meter and first tier, added up: after discounts and with tax; minor units.
#[derive(Clone, Debug, Record)]
pub struct LineSums {
    pub currency: Currency,
    /// None for what no plan of ours sells.
    pub plan: Option<String>,
    /// What its price counts; none where it is paid in advance.
    pub meter: Option<String>,
    /// What a unit of its first tier costs, in major units; none where the price has no tiers.
    pub first_unit: Option<String>,
    pub amount: i64,
}

impl LineSums {
    /// Whether its price counts, and some of it is included: only what goes beyond that costs anything.
    pub fn is_overage(&self) -> bool {
        let first_unit = self.first_unit.as_deref().map(str::parse::<Decimal>);
        self.meter.is_some() && first_unit.is_some_and(|unit| unit.is_ok_and(|unit| unit.is_zero()))
    }
}

pub async fn sum_lines(conn: &mut Conn, span: Span) -> DbResult<Vec<LineSums>> {
    conn.query(
        "SELECT invoices.currency, prices.plan_code AS plan, prices.definition ->> 'meter' AS meter,
             prices.definition -> 'tiers' -> 0 ->> 'unit_amount' AS first_unit,
             CAST(SUM(invoice_lines.amount - invoice_lines.discount
                 + invoice_lines.tax - invoice_lines.tax_included) AS bigint) AS amount
         FROM invoices
         JOIN invoice_lines ON invoice_lines.invoice_id = invoices.id
         LEFT JOIN prices ON prices.stripe_price_id = invoice_lines.stripe_price_id
         WHERE invoices.deleted_at IS NULL",
    )
    .filter(" AND invoices.tenant_id = ?", span.tenant)
    .filter(" AND invoices.finalized_at >= ?", Some(span.from))
    .filter(" AND invoices.finalized_at < ?", Some(span.to))
    .push(" GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4")
    .all()
    .await
}
