//! All SQL of `invoice_lines`, `invoice_payments`, `refunds`, `disputes` and `credit_notes`.
//!
//! The parts of an invoice are replaced as a whole, in the transaction that writes the invoice.

use tollhouse_domain::{
    dispute::{DisputeState, DisputeStatus},
    id::InvoiceId,
    money_back::{CreditNoteStatus, RefundStatus},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::{
    CreditNoteId, DisputeId, InvoiceLineId, InvoicePaymentId, PriceId, RefundId,
};

use crate::db::{Conn, DbResult};

/// Rows in one statement; a line has thirteen columns, and SQLite takes 32,766 parameters.
const ROWS_AT_ONCE: usize = 500;
/// More payments, refunds, disputes or credit notes of one invoice are not taken in.
const PARTS_MAX: i64 = 1000;

/// One line of an invoice. Amounts are minor units.
#[derive(Clone, Debug, Record)]
pub struct Line {
    pub invoice_id: InvoiceId,
    /// From 0, in the order of the invoice.
    pub position: i64,
    pub stripe_line_id: InvoiceLineId,
    pub description: String,
    /// Before discount, and before tax that is not within it.
    pub amount: i64,
    pub discount: i64,
    pub tax: i64,
    /// The part of `tax` that is within `amount`.
    pub tax_included: i64,
    /// A decimal; seats, or what a meter counted.
    pub quantity: Option<String>,
    pub stripe_price_id: Option<PriceId>,
    pub period_start: Timestamp,
    pub period_end: Timestamp,
    pub proration: bool,
}

/// A payment towards an invoice, made or only tried.
#[derive(Clone, Debug, Record)]
pub struct Payment {
    pub invoice_id: InvoiceId,
    pub stripe_payment_id: InvoicePaymentId,
    /// `open`, `paid` or `canceled`
    pub status: String,
    /// `payment_intent`, `charge` or `payment_record`
    pub kind: String,
    pub amount_requested: i64,
    pub amount_paid: i64,
    pub created_at: Timestamp,
    /// When it was paid or canceled.
    pub settled_at: Option<Timestamp>,
}

/// Money of an invoice that was given back.
#[derive(Clone, Debug, Record)]
pub struct Refund {
    pub invoice_id: InvoiceId,
    pub stripe_refund_id: RefundId,
    pub status: RefundStatus,
    pub amount: i64,
    /// Stripe's word.
    pub reason: Option<String>,
    pub created_at: Timestamp,
}

/// A payment of an invoice that the customer's bank takes back, or asks about first.
#[derive(Clone, Debug, Record)]
pub struct Dispute {
    pub invoice_id: InvoiceId,
    pub stripe_dispute_id: DisputeId,
    pub status: DisputeStatus,
    /// Stripe's word.
    pub reason: String,
    pub amount: i64,
    /// Whether the money is with the bank.
    pub withdrawn: bool,
    /// Until when evidence can be given.
    pub evidence_due: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl Dispute {
    /// The part that the rules look at.
    pub fn state(&self) -> DisputeState {
        DisputeState { status: self.status, amount: self.amount, withdrawn: self.withdrawn }
    }
}

/// What was taken off an invoice after it was final.
#[derive(Clone, Debug, Record)]
pub struct CreditNote {
    pub invoice_id: InvoiceId,
    pub stripe_credit_note_id: CreditNoteId,
    pub number: String,
    pub status: CreditNoteStatus,
    /// Discounts and tax included.
    pub total: i64,
    /// The part that the invoice asks for no more.
    pub before_payment: i64,
    /// The part that was paid, and is refunded, kept as balance or settled elsewhere.
    pub after_payment: i64,
    /// Stripe's word.
    pub reason: Option<String>,
    pub memo: Option<String>,
    pub pdf: Option<String>,
    pub created_at: Timestamp,
    pub voided_at: Option<Timestamp>,
}

/// From `position` on, one more than `limit` when there are more.
pub async fn lines(
    conn: &mut Conn,
    invoice: InvoiceId,
    position: i64,
    limit: i64,
) -> DbResult<Vec<Line>> {
    let limit = limit + 1;
    sql!(
        conn,
        "SELECT * FROM invoice_lines WHERE invoice_id = {invoice} AND position >= {position}
         ORDER BY position LIMIT {limit}"
    )
    .all()
    .await
}

/// One line of an invoice, by Stripe's id.
pub async fn find_line(
    conn: &mut Conn,
    invoice: InvoiceId,
    stripe_line_id: &str,
) -> DbResult<Option<Line>> {
    sql!(
        conn,
        "SELECT * FROM invoice_lines
         WHERE invoice_id = {invoice} AND stripe_line_id = {stripe_line_id} LIMIT 1"
    )
    .optional()
    .await
}

/// Oldest first.
pub async fn payments(conn: &mut Conn, invoice: InvoiceId) -> DbResult<Vec<Payment>> {
    sql!(
        conn,
        "SELECT * FROM invoice_payments WHERE invoice_id = {invoice}
         ORDER BY created_at, stripe_payment_id LIMIT {PARTS_MAX}"
    )
    .all()
    .await
}

/// By Stripe's id, of whichever invoice.
pub async fn find_refund(conn: &mut Conn, id: &RefundId) -> DbResult<Option<Refund>> {
    sql!(conn, "SELECT * FROM refunds WHERE stripe_refund_id = {id} LIMIT 1").optional().await
}

/// Oldest first.
pub async fn refunds(conn: &mut Conn, invoice: InvoiceId) -> DbResult<Vec<Refund>> {
    sql!(
        conn,
        "SELECT * FROM refunds WHERE invoice_id = {invoice}
         ORDER BY created_at, stripe_refund_id LIMIT {PARTS_MAX}"
    )
    .all()
    .await
}

/// By Stripe's id, of whichever invoice.
pub async fn find_dispute(conn: &mut Conn, id: &DisputeId) -> DbResult<Option<Dispute>> {
    sql!(conn, "SELECT * FROM disputes WHERE stripe_dispute_id = {id} LIMIT 1").optional().await
}

/// Oldest first.
pub async fn disputes(conn: &mut Conn, invoice: InvoiceId) -> DbResult<Vec<Dispute>> {
    sql!(
        conn,
        "SELECT * FROM disputes WHERE invoice_id = {invoice}
         ORDER BY created_at, stripe_dispute_id LIMIT {PARTS_MAX}"
    )
    .all()
    .await
}

/// Oldest first.
pub async fn credit_notes(conn: &mut Conn, invoice: InvoiceId) -> DbResult<Vec<CreditNote>> {
    sql!(
        conn,
        "SELECT * FROM credit_notes WHERE invoice_id = {invoice}
         ORDER BY created_at, stripe_credit_note_id LIMIT {PARTS_MAX}"
    )
    .all()
    .await
}

pub async fn replace_lines(conn: &mut Conn, invoice: InvoiceId, lines: &[Line]) -> DbResult<()> {
    sql!(conn, "DELETE FROM invoice_lines WHERE invoice_id = {invoice}").execute().await?;
    for lines in lines.chunks(ROWS_AT_ONCE) {
        conn.query(
            "INSERT INTO invoice_lines (invoice_id, position, stripe_line_id, description, amount,
                 discount, tax, tax_included, quantity, stripe_price_id, period_start, period_end, proration)",
        )
        .values(lines, |row, line| {
            row.column(&line.invoice_id)
                .column(&line.position)
                .column(&line.stripe_line_id)
                .column(&line.description)
                .column(&line.amount)
                .column(&line.discount)
                .column(&line.tax)
                .column(&line.tax_included)
                .column(&line.quantity)
                .column(&line.stripe_price_id)
                .column(&line.period_start)
                .column(&line.period_end)
                .column(&line.proration)
        })
        .execute()
        .await?;
    }
    Ok(())
}

pub async fn replace_payments(
    conn: &mut Conn,
    invoice: InvoiceId,
    payments: &[Payment],
) -> DbResult<()> {
    sql!(conn, "DELETE FROM invoice_payments WHERE invoice_id = {invoice}").execute().await?;
    for payment in payments {
        sql!(
            conn,
            "INSERT INTO invoice_payments (invoice_id, stripe_payment_id, status, kind,
                 amount_requested, amount_paid, created_at, settled_at)
             VALUES ({payment.invoice_id}, {payment.stripe_payment_id}, {payment.status}, {payment.kind},
                 {payment.amount_requested}, {payment.amount_paid}, {payment.created_at}, {payment.settled_at})"
        )
        .execute()
        .await?;
    }
    Ok(())
}

pub async fn replace_refunds(
    conn: &mut Conn,
    invoice: InvoiceId,
    refunds: &[Refund],
) -> DbResult<()> {
    sql!(conn, "DELETE FROM refunds WHERE invoice_id = {invoice}").execute().await?;
    for refund in refunds {
        sql!(
            conn,
            "INSERT INTO refunds (invoice_id, stripe_refund_id, status, amount, reason, created_at)
             VALUES ({refund.invoice_id}, {refund.stripe_refund_id}, {refund.status}, {refund.amount},
                 {refund.reason}, {refund.created_at})"
        )
        .execute()
        .await?;
    }
    Ok(())
}

pub async fn replace_disputes(
    conn: &mut Conn,
    invoice: InvoiceId,
    disputes: &[Dispute],
) -> DbResult<()> {
    sql!(conn, "DELETE FROM disputes WHERE invoice_id = {invoice}").execute().await?;
    for dispute in disputes {
        sql!(
            conn,
            "INSERT INTO disputes (invoice_id, stripe_dispute_id, status, reason, amount, withdrawn,
                 evidence_due, created_at)
             VALUES ({dispute.invoice_id}, {dispute.stripe_dispute_id}, {dispute.status},
                 {dispute.reason}, {dispute.amount}, {dispute.withdrawn}, {dispute.evidence_due},
                 {dispute.created_at})"
        )
        .execute()
        .await?;
    }
    Ok(())
}

pub async fn replace_credit_notes(
    conn: &mut Conn,
    invoice: InvoiceId,
    notes: &[CreditNote],
) -> DbResult<()> {
    sql!(conn, "DELETE FROM credit_notes WHERE invoice_id = {invoice}").execute().await?;
    for note in notes {
        sql!(
            conn,
            "INSERT INTO credit_notes (invoice_id, stripe_credit_note_id, number, status, total,
                 before_payment, after_payment, reason, memo, pdf, created_at, voided_at)
             VALUES ({note.invoice_id}, {note.stripe_credit_note_id}, {note.number}, {note.status},
                 {note.total}, {note.before_payment}, {note.after_payment}, {note.reason}, {note.memo},
                 {note.pdf}, {note.created_at}, {note.voided_at})"
        )
        .execute()
        .await?;
    }
    Ok(())
}

/// Takes off what somebody wrote into the credit notes of an invoice, and where Stripe shows them.
pub async fn erase_credit_notes(conn: &mut Conn, invoice: InvoiceId) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE credit_notes SET memo = NULL, pdf = NULL
         WHERE invoice_id = {invoice} AND (memo IS NOT NULL OR pdf IS NOT NULL)"
    )
    .execute()
    .await?;
    Ok(())
}

/// What meters counted on an invoice, of one plan: after discounts and with tax; minor units.
#[derive(Clone, Debug, Record)]
pub struct UsageLine {
    pub plan: String,
    pub amount: i64,
    /// The part of prices whose first tier is free.
    pub overage: i64,
}

pub async fn sum_usage_lines(conn: &mut Conn, invoice: InvoiceId) -> DbResult<Vec<UsageLine>> {
    sql!(
        conn,
        "SELECT plan, CAST(SUM(amount) AS bigint) AS amount,
             CAST(SUM(CASE WHEN first_unit IN ('0', '0.0', '0.00', '0.000') THEN amount ELSE 0 END) AS bigint)
                 AS overage
         FROM (
             SELECT prices.plan_code AS plan, prices.definition -> 'tiers' -> 0 ->> 'unit_amount' AS first_unit,
                 invoice_lines.amount - invoice_lines.discount
                     + invoice_lines.tax - invoice_lines.tax_included AS amount
             FROM invoice_lines
             JOIN prices ON prices.stripe_price_id = invoice_lines.stripe_price_id
             WHERE invoice_lines.invoice_id = {invoice} AND prices.definition ->> 'meter' IS NOT NULL
         ) AS lines
         GROUP BY plan ORDER BY plan"
    )
    .all()
    .await
}
