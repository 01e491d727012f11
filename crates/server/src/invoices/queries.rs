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
    /// How often this row was written.
    pub version: i64,
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

/// Whether the tenant ever paid anything.
pub async fn has_paid(conn: &mut Conn, tenant: TenantId) -> DbResult<bool> {
    let paid: Option<Version> = sql!(
        conn,
        "SELECT version FROM invoices WHERE tenant_id = {tenant} AND amount_paid > 0 LIMIT 1"
    )
    .optional()
    .await?;
    Ok(paid.is_some())
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

/// `false` where somebody inserted it meanwhile.
pub async fn insert(conn: &mut Conn, row: &Invoice) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO invoices (id, tenant_id, stripe_invoice_id, stripe_subscription_id, number, status,
             currency, amount_due, amount_paid, total, attempt_count, created_at, due_date,
             hosted_invoice_url, invoice_pdf, version, stripe_object)
         VALUES ({row.id}, {row.tenant_id}, {row.stripe_invoice_id}, {row.stripe_subscription_id},
             {row.number}, {row.status}, {row.currency}, {row.amount_due}, {row.amount_paid}, {row.total},
             {row.attempt_count}, {row.created_at}, {row.due_date}, {row.hosted_invoice_url},
             {row.invoice_pdf}, {row.version}, {row.stripe_object})
         ON CONFLICT (stripe_invoice_id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

/// Writes what Stripe has now over what it had.
pub async fn update(conn: &mut Conn, row: &Invoice) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE invoices SET
             stripe_subscription_id = {row.stripe_subscription_id}, number = {row.number},
             status = {row.status}, amount_due = {row.amount_due},
             amount_paid = {row.amount_paid}, total = {row.total},
             attempt_count = {row.attempt_count}, due_date = {row.due_date},
             hosted_invoice_url = {row.hosted_invoice_url}, invoice_pdf = {row.invoice_pdf},
             version = version + 1, stripe_object = {row.stripe_object}
         WHERE id = {row.id}"
    )
    .execute()
    .await?;
    Ok(())
}

#[derive(Record)]
struct Version {
    version: i64,
}

/// How often the row of one of Stripe's objects was written; `None` where there is none yet.
pub async fn version(conn: &mut Conn, id: &StripeInvoiceId) -> DbResult<Option<i64>> {
    let row: Option<Version> =
        sql!(conn, "SELECT version FROM invoices WHERE stripe_invoice_id = {id}")
            .optional()
            .await?;
    Ok(row.map(|row| row.version))
}
