//! All SQL of `invoices`.

use tollhouse_domain::{
    id::{InvoiceId, TenantId},
    invoice::{InvoiceState, InvoiceStatus},
    money::{Currency, Money},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::{InvoiceId as StripeInvoiceId, SubscriptionId as StripeSubscriptionId};

use crate::db::{Conn, DbResult, Json};

/// Our picture of one of Stripe's invoices.
#[derive(Clone, Debug, Record)]
pub struct Invoice {
    pub id: InvoiceId,
    pub tenant_id: TenantId,
    pub stripe_invoice_id: StripeInvoiceId,
    pub stripe_subscription_id: Option<StripeSubscriptionId>,
    pub number: Option<String>,
    pub status: InvoiceStatus,
    pub currency: Currency,
    /// Amounts are minor units.
    pub amount_due: i64,
    pub amount_paid: i64,
    pub total: i64,
    pub attempt_count: i64,
    pub created_at: Timestamp,
    pub due_date: Option<Timestamp>,
    pub hosted_invoice_url: Option<String>,
    pub invoice_pdf: Option<String>,
    /// Stripe's clock when this was fetched, unix seconds.
    pub fetched_at: i64,
    pub stripe_object: Json,
}

impl Invoice {
    /// The part that the rules look at.
    pub fn state(&self) -> InvoiceState {
        let attempts = u32::try_from(self.attempt_count).unwrap_or(0);
        InvoiceState { status: self.status, attempts }
    }

    /// One of its amounts, with the currency.
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }
}

pub async fn find_by_stripe_id(conn: &mut Conn, id: &StripeInvoiceId) -> DbResult<Option<Invoice>> {
    let for_update = conn.for_update();
    conn.query("SELECT * FROM invoices WHERE 1 = 1")
        .filter(" AND stripe_invoice_id = ?", Some(id))
        .push(for_update)
        .optional()
        .await
}

/// Newest first.
pub async fn list(conn: &mut Conn, tenant: TenantId, limit: i64) -> DbResult<Vec<Invoice>> {
    sql!(
        conn,
        "SELECT * FROM invoices WHERE tenant_id = {tenant} ORDER BY created_at DESC, id DESC LIMIT {limit}"
    )
    .all()
    .await
}

pub async fn put(conn: &mut Conn, row: &Invoice) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO invoices (id, tenant_id, stripe_invoice_id, stripe_subscription_id, number, status,
             currency, amount_due, amount_paid, total, attempt_count, created_at, due_date,
             hosted_invoice_url, invoice_pdf, fetched_at, stripe_object)
         VALUES ({row.id}, {row.tenant_id}, {row.stripe_invoice_id}, {row.stripe_subscription_id},
             {row.number}, {row.status}, {row.currency}, {row.amount_due}, {row.amount_paid}, {row.total},
             {row.attempt_count}, {row.created_at}, {row.due_date}, {row.hosted_invoice_url},
             {row.invoice_pdf}, {row.fetched_at}, {row.stripe_object})
         ON CONFLICT (stripe_invoice_id) DO UPDATE SET
             stripe_subscription_id = excluded.stripe_subscription_id, number = excluded.number,
             status = excluded.status, amount_due = excluded.amount_due,
             amount_paid = excluded.amount_paid, total = excluded.total,
             attempt_count = excluded.attempt_count, due_date = excluded.due_date,
             hosted_invoice_url = excluded.hosted_invoice_url, invoice_pdf = excluded.invoice_pdf,
             fetched_at = excluded.fetched_at, stripe_object = excluded.stripe_object"
    )
    .execute()
    .await?;
    Ok(())
}
