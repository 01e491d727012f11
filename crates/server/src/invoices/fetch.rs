//! All that Stripe has of one invoice, as rows of ours.

use anyhow::anyhow;
use tollhouse_domain::{
    id::InvoiceId,
    money_back::{CreditNoteStatus, RefundStatus},
    time::Timestamp,
};
use tollhouse_stripe::{
    Fetched,
    objects::{self, InvoiceStatus, Tax},
    params::ListInvoicePayments,
};

use super::parts::{CreditNote, Line, Payment, Refund};
use crate::{app::App, error::Result};

/// The parts of an invoice; lists of Stripe's are read to their end.
pub struct Parts {
    pub lines: Vec<Line>,
    pub payments: Vec<Payment>,
    pub refunds: Vec<Refund>,
    pub credit_notes: Vec<CreditNote>,
}

/// Fetches what belongs to `invoice`, for the row `id`.
///
/// # Errors
/// What Stripe says; and where a list is longer than we take in.
pub async fn parts(app: &App, id: InvoiceId, invoice: &Fetched<objects::Invoice>) -> Result<Parts> {
    let (stripe, invoice) = (&app.stripe, &invoice.object);
    let lines = if invoice.lines.has_more {
        &stripe.list_invoice_lines(&invoice.id).await?
    } else {
        &invoice.lines.data
    };
    let mut parts =
        Parts { lines: vec![], payments: vec![], refunds: vec![], credit_notes: vec![] };
    for (line, position) in lines.iter().zip(0..) {
        parts.lines.push(line_row(id, position, line)?);
    }
    // Nothing is paid or given back before an invoice is final.
    if invoice.status == Some(InvoiceStatus::Draft) {
        return Ok(parts);
    }
    let of_invoice =
        ListInvoicePayments { invoice: Some(invoice.id.clone()), ..ListInvoicePayments::default() };
    let mut paid_with = Vec::new();
    for payment in stripe.list_invoice_payments(&of_invoice).await? {
        let is_paid = payment.amount_paid.is_some_and(|amount| amount > 0);
        paid_with.extend(payment.paid_with().filter(|means| is_paid && !paid_with.contains(means)));
        parts.payments.push(payment_row(id, payment)?);
    }
    for means in &paid_with {
        for refund in stripe.list_refunds(means).await? {
            parts.refunds.push(refund_row(id, refund)?);
        }
    }
    for note in stripe.list_credit_notes(&invoice.id).await? {
        parts.credit_notes.push(credit_note_row(id, note)?);
    }
    Ok(parts)
}

impl Parts {
    /// What was given back of the payments.
    pub fn refunded(&self) -> Result<i64> {
        let given = self.refunds.iter().filter(|row| row.status == RefundStatus::Succeeded);
        sum(given.map(|row| row.amount))
    }

    /// The total of the credit notes that still count.
    pub fn credited(&self) -> Result<i64> {
        let issued = |row: &&CreditNote| row.status == CreditNoteStatus::Issued;
        sum(self.credit_notes.iter().filter(issued).map(|row| row.total))
    }
}

fn line_row(id: InvoiceId, position: i64, line: &objects::InvoiceLine) -> Result<Line> {
    let quantity = line.quantity_decimal.clone();
    Ok(Line {
        invoice_id: id,
        position,
        stripe_line_id: line.id.clone(),
        description: line.description.clone().unwrap_or_default(),
        amount: line.amount,
        discount: sum(line.discounts())?,
        tax: sum(line.taxes().iter().map(|tax| tax.amount))?,
        tax_included: included(line.taxes())?,
        quantity: quantity.or_else(|| line.quantity.map(|quantity| quantity.to_string())),
        stripe_price_id: line.price().cloned(),
        period_start: time(line.period.start)?,
        period_end: time(line.period.end)?,
        proration: line.is_proration(),
    })
}

fn payment_row(id: InvoiceId, payment: objects::InvoicePayment) -> Result<Payment> {
    Ok(Payment {
        invoice_id: id,
        created_at: time(payment.created)?,
        settled_at: payment.settled_at().map(time).transpose()?,
        amount_requested: payment.amount_requested,
        amount_paid: payment.amount_paid.unwrap_or(0),
        stripe_payment_id: payment.id,
        status: payment.status,
        kind: payment.payment.r#type,
    })
}

fn refund_row(id: InvoiceId, refund: objects::Refund) -> Result<Refund> {
    let status = refund.status.as_deref().unwrap_or(RefundStatus::Pending.as_str());
    Ok(Refund {
        invoice_id: id,
        status: status.parse().map_err(|error| anyhow!("{error}"))?,
        amount: refund.amount,
        created_at: time(refund.created)?,
        stripe_refund_id: refund.id,
        reason: refund.reason,
    })
}

fn credit_note_row(id: InvoiceId, note: objects::CreditNote) -> Result<CreditNote> {
    Ok(CreditNote {
        invoice_id: id,
        status: note.status.parse().map_err(|error| anyhow!("{error}"))?,
        total: note.total,
        before_payment: note.pre_payment_amount,
        after_payment: note.post_payment_amount,
        created_at: time(note.created)?,
        voided_at: note.voided_at.map(time).transpose()?,
        stripe_credit_note_id: note.id,
        number: note.number,
        reason: note.reason,
        memo: note.memo,
        pdf: note.pdf,
    })
}

/// The taxes that are within the amount they tax.
pub fn included(taxes: &[Tax]) -> Result<i64> {
    sum(taxes.iter().filter(|tax| tax.is_included()).map(|tax| tax.amount))
}

pub fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64> {
    let sum = amounts.into_iter().try_fold(0_i64, i64::checked_add);
    Ok(sum.ok_or_else(|| anyhow!("the amounts of an invoice are too large to be added"))?)
}

pub fn time(seconds: i64) -> Result<Timestamp> {
    Ok(Timestamp::from_second(seconds).ok_or_else(|| anyhow!("second {seconds} is no moment"))?)
}
