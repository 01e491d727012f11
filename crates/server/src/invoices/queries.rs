//! All SQL of `invoices`.

use tollhouse_domain::{
    id::{InvoiceId, TenantId},
    invoice::{InvoiceState, InvoiceStatus},
    money::{Currency, Money},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::{
    InvoiceId as StripeInvoiceId, SubscriptionId as StripeSubscriptionId,
    personal::without_personal_data,
};

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
    pub subtotal: i64,
    pub discount: i64,
    pub tax: i64,
    /// The part of `tax` that is within the amounts of the lines.
    pub tax_included: i64,
    pub total: i64,
    /// What was taken from the customer's balance; below zero where it was added to it.
    pub balance_applied: i64,
    pub amount_due: i64,
    pub amount_paid: i64,
    pub amount_remaining: i64,
    /// The total of its credit notes, without those that were withdrawn.
    pub credited: i64,
    /// What was given back of its payments.
    pub refunded: i64,
    /// Stripe's word.
    pub billing_reason: Option<String>,
    pub period_start: Option<Timestamp>,
    pub period_end: Option<Timestamp>,
    pub attempt_count: i64,
    pub created_at: Timestamp,
    pub due_date: Option<Timestamp>,
    pub finalized_at: Option<Timestamp>,
    pub paid_at: Option<Timestamp>,
    pub voided_at: Option<Timestamp>,
    pub uncollectible_at: Option<Timestamp>,
    pub next_payment_attempt: Option<Timestamp>,
    /// Since when Stripe has this draft no more.
    pub deleted_at: Option<Timestamp>,
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

    /// Takes off what is personal; its figures stay.
    ///
    /// # Errors
    /// Never: what Stripe sent is JSON.
    pub fn erase_personal_data(&mut self) -> serde_json::Result<()> {
        self.stripe_object = without_personal_data(self.stripe_object.text())?.into();
        (self.hosted_invoice_url, self.invoice_pdf) = (None, None);
        Ok(())
    }

    /// One of its amounts, with the currency.
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }
}

/// Locks the row until the end of the transaction.
pub async fn find_for_update(conn: &mut Conn, id: InvoiceId) -> DbResult<Option<Invoice>> {
    let for_update = conn.for_update();
    conn.query("SELECT * FROM invoices WHERE 1 = 1")
        .filter(" AND id = ?", Some(id))
        .push(for_update)
        .optional()
        .await
}

/// Whoever's it is, deleted ones too.
pub async fn find_shown(conn: &mut Conn, id: &StripeInvoiceId) -> DbResult<Option<Invoice>> {
    sql!(conn, "SELECT * FROM invoices WHERE stripe_invoice_id = {id}").optional().await
}

/// Whose it is.
pub async fn tenant_of(conn: &mut Conn, id: InvoiceId) -> DbResult<Option<TenantId>> {
    let row: Option<Owner> =
        sql!(conn, "SELECT tenant_id FROM invoices WHERE id = {id}").optional().await?;
    Ok(row.map(|row| row.tenant_id))
}

#[derive(Record)]
struct Owner {
    tenant_id: TenantId,
}

/// Those that are neither paid nor given up, whoever's, in the order of Stripe's ids; those after `after`.
pub async fn list_unsettled(
    conn: &mut Conn,
    after: Option<&str>,
    limit: i64,
) -> DbResult<Vec<StripeInvoiceId>> {
    let rows: Vec<StripeId> = conn
        .query(
            "SELECT stripe_invoice_id FROM invoices
             WHERE status IN ('draft', 'open', 'uncollectible') AND deleted_at IS NULL",
        )
        .filter(" AND stripe_invoice_id > ?", after)
        .filter(" ORDER BY stripe_invoice_id LIMIT ?", Some(limit))
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| row.stripe_invoice_id).collect())
}

#[derive(Record)]
struct StripeId {
    stripe_invoice_id: StripeInvoiceId,
}

/// Whether the tenant ever paid anything.
pub async fn has_paid(conn: &mut Conn, tenant: TenantId) -> DbResult<bool> {
    let paid: Option<Seen> = sql!(
        conn,
        "SELECT id, version FROM invoices WHERE tenant_id = {tenant} AND amount_paid > 0 LIMIT 1"
    )
    .optional()
    .await?;
    Ok(paid.is_some())
}

/// One of a tenant's, unless it was deleted.
pub async fn find(conn: &mut Conn, tenant: TenantId, id: InvoiceId) -> DbResult<Option<Invoice>> {
    sql!(
        conn,
        "SELECT * FROM invoices WHERE id = {id} AND tenant_id = {tenant} AND deleted_at IS NULL"
    )
    .optional()
    .await
}

/// One of a tenant's by Stripe's id, unless it was deleted.
pub async fn find_by_stripe_id(
    conn: &mut Conn,
    tenant: TenantId,
    id: &str,
) -> DbResult<Option<Invoice>> {
    sql!(
        conn,
        "SELECT * FROM invoices
         WHERE stripe_invoice_id = {id} AND tenant_id = {tenant} AND deleted_at IS NULL"
    )
    .optional()
    .await
}

/// Whether a tenant has or had it.
pub async fn is_known(conn: &mut Conn, tenant: TenantId, id: InvoiceId) -> DbResult<bool> {
    let row: Option<Seen> =
        sql!(conn, "SELECT id, version FROM invoices WHERE id = {id} AND tenant_id = {tenant}")
            .optional()
            .await?;
    Ok(row.is_some())
}

/// Newest first and without deleted ones, one more than `limit` when there are more; those after `after`.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    after: Option<InvoiceId>,
    limit: i64,
) -> DbResult<Vec<Invoice>> {
    conn.query("SELECT * FROM invoices WHERE deleted_at IS NULL")
        .filter(" AND tenant_id = ?", Some(tenant))
        .filter(
            " AND (created_at, id) < (SELECT created_at, id FROM invoices AS last WHERE last.id = ?)",
            after,
        )
        .filter(" ORDER BY created_at DESC, id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// Those that are still owed after a payment failed, newest first.
pub async fn list_failed(conn: &mut Conn, limit: i64) -> DbResult<Vec<Invoice>> {
    sql!(
        conn,
        "SELECT * FROM invoices WHERE status = 'open' AND attempt_count > 0 AND deleted_at IS NULL
         ORDER BY created_at DESC, id DESC LIMIT {limit}"
    )
    .all()
    .await
}

/// `false` where somebody inserted it meanwhile.
pub async fn insert(conn: &mut Conn, row: &Invoice) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO invoices (id, tenant_id, stripe_invoice_id, stripe_subscription_id, number, status,
             currency, subtotal, discount, tax, tax_included, total, balance_applied, amount_due,
             amount_paid, amount_remaining, credited, refunded, billing_reason, period_start, period_end,
             attempt_count, created_at, due_date, finalized_at, paid_at, voided_at, uncollectible_at,
             next_payment_attempt, hosted_invoice_url, invoice_pdf, version, stripe_object)
         VALUES ({row.id}, {row.tenant_id}, {row.stripe_invoice_id}, {row.stripe_subscription_id},
             {row.number}, {row.status}, {row.currency}, {row.subtotal}, {row.discount}, {row.tax},
             {row.tax_included}, {row.total}, {row.balance_applied}, {row.amount_due},
             {row.amount_paid}, {row.amount_remaining}, {row.credited}, {row.refunded},
             {row.billing_reason}, {row.period_start}, {row.period_end}, {row.attempt_count},
             {row.created_at}, {row.due_date}, {row.finalized_at}, {row.paid_at}, {row.voided_at},
             {row.uncollectible_at}, {row.next_payment_attempt}, {row.hosted_invoice_url},
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
             status = {row.status}, subtotal = {row.subtotal}, discount = {row.discount},
             tax = {row.tax}, tax_included = {row.tax_included}, total = {row.total},
             balance_applied = {row.balance_applied}, amount_due = {row.amount_due},
             amount_paid = {row.amount_paid}, amount_remaining = {row.amount_remaining},
             credited = {row.credited}, refunded = {row.refunded},
             billing_reason = {row.billing_reason}, period_start = {row.period_start},
             period_end = {row.period_end}, attempt_count = {row.attempt_count},
             due_date = {row.due_date}, finalized_at = {row.finalized_at}, paid_at = {row.paid_at},
             voided_at = {row.voided_at}, uncollectible_at = {row.uncollectible_at},
             next_payment_attempt = {row.next_payment_attempt}, deleted_at = {row.deleted_at},
             hosted_invoice_url = {row.hosted_invoice_url}, invoice_pdf = {row.invoice_pdf},
             version = version + 1, stripe_object = {row.stripe_object}
         WHERE id = {row.id}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Stripe has this draft no more.
pub async fn mark_deleted(conn: &mut Conn, id: InvoiceId, now: Timestamp) -> DbResult<()> {
    sql!(conn, "UPDATE invoices SET deleted_at = {now}, version = version + 1 WHERE id = {id}")
        .execute()
        .await?;
    Ok(())
}

/// Our row of one of Stripe's invoices, and how often it was written.
#[derive(Clone, Copy, Debug, Record)]
pub struct Seen {
    pub id: InvoiceId,
    pub version: i64,
}

pub async fn seen(conn: &mut Conn, id: &StripeInvoiceId) -> DbResult<Option<Seen>> {
    sql!(conn, "SELECT id, version FROM invoices WHERE stripe_invoice_id = {id}").optional().await
}

/// What is kept of Stripe's own words.
#[derive(Clone, Debug, Record)]
pub struct Stored {
    pub id: InvoiceId,
    pub version: i64,
    pub stripe_object: Json,
}

/// A tenant's, in the order of their ids; those after `after`.
pub async fn list_objects(
    conn: &mut Conn,
    tenant: TenantId,
    after: Option<InvoiceId>,
    limit: i64,
) -> DbResult<Vec<Stored>> {
    conn.query("SELECT id, version, stripe_object FROM invoices WHERE 1 = 1")
        .filter(" AND tenant_id = ?", Some(tenant))
        .filter(" AND id > ?", after)
        .filter(" ORDER BY id LIMIT ?", Some(limit))
        .all()
        .await
}

/// Puts an object without what is personal in the place of the whole, unless somebody wrote meanwhile. The
/// version is raised: a fetch that has begun is begun again.
pub async fn replace_object(conn: &mut Conn, stored: &Stored, object: &Json) -> DbResult<u64> {
    sql!(
        conn,
        "UPDATE invoices SET stripe_object = {object}, version = version + 1, hosted_invoice_url = NULL, invoice_pdf = NULL
         WHERE id = {stored.id} AND version = {stored.version}"
    )
    .execute()
    .await
}

/// One of our rows, by Stripe's id.
#[derive(Clone, Debug, Record)]
pub struct Known {
    pub stripe_invoice_id: StripeInvoiceId,
    pub id: InvoiceId,
    pub version: i64,
    pub created_at: Timestamp,
}

/// The rows of these; those that have none are left out.
pub async fn list_known(conn: &mut Conn, ids: &[StripeInvoiceId]) -> DbResult<Vec<Known>> {
    conn.query(
        "SELECT stripe_invoice_id, id, version, created_at FROM invoices WHERE stripe_invoice_id IN ",
    )
    .list(ids)
    .all()
    .await
}
