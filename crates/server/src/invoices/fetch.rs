//! All that Stripe has of one invoice, as rows of ours.

use anyhow::anyhow;
use tollhouse_domain::{
    id::InvoiceId as OurInvoiceId,
    money_back::{CreditNoteStatus, RefundStatus},
    time::Timestamp,
};
use tollhouse_stripe::{
    Fetched, InvoiceId, Result as StripeResult,
    objects::{self, InvoiceLine, InvoicePayment, InvoiceStatus, Tax},
    params::{ListInvoicePayments, PaidWith},
};

use super::parts::{CreditNote, Dispute, Line, Payment, Refund};
use crate::{app::App, error::Result};

/// An invoice with all that belongs to it, as Stripe has it. Lists of Stripe's are read to their end.
pub struct Shown {
    pub invoice: Fetched<objects::Invoice>,
    pub lines: Vec<InvoiceLine>,
    pub payments: Vec<InvoicePayment>,
    pub refunds: Vec<objects::Refund>,
    pub disputes: Vec<objects::Dispute>,
    pub credit_notes: Vec<objects::CreditNote>,
}

/// Fetches an invoice as it is now.
///
/// # Errors
/// What Stripe says; and where a list is longer than we take in.
pub async fn one(app: &App, id: &InvoiceId) -> StripeResult<Shown> {
    let stripe = &app.stripe;
    let mut shown = Shown::alone(stripe.retrieve_invoice(id).await?);
    if shown.invoice.object.lines.has_more {
        shown.lines = stripe.list_invoice_lines(id).await?;
    }
    if shown.is_draft() {
        return Ok(shown);
    }
    if shown.has_more_payments() {
        let of_it = ListInvoicePayments { invoice: Some(id.clone()), ..Default::default() };
        shown.payments = stripe.list_invoice_payments(&of_it).await?;
    }
    for means in shown.paid_with() {
        shown.refunds.extend(stripe.list_refunds(&means).await?);
        shown.disputes.extend(stripe.list_disputes(&means).await?);
    }
    shown.credit_notes = stripe.list_credit_notes(id).await?;
    Ok(shown)
}

impl Shown {
    /// With what came along; nothing is given back yet.
    pub fn alone(mut invoice: Fetched<objects::Invoice>) -> Self {
        let lines = std::mem::take(&mut invoice.object.lines.data);
        let payments = invoice.object.payments.as_mut();
        let payments = payments.map(|list| std::mem::take(&mut list.data)).unwrap_or_default();
        Self {
            invoice,
            lines,
            payments,
            refunds: Vec::new(),
            disputes: Vec::new(),
            credit_notes: Vec::new(),
        }
    }

    /// Nothing is paid or given back before an invoice is final.
    pub fn is_draft(&self) -> bool {
        self.invoice.object.status == Some(InvoiceStatus::Draft)
    }

    pub fn has_more_payments(&self) -> bool {
        self.invoice.object.payments.as_ref().is_none_or(|payments| payments.has_more)
    }

    /// What Stripe took the money with.
    pub fn paid_with(&self) -> Vec<PaidWith> {
        let mut paid_with = Vec::new();
        for payment in &self.payments {
            let is_paid = payment.amount_paid.is_some_and(|amount| amount > 0);
            let means = payment.paid_with().filter(|means| is_paid && !paid_with.contains(means));
            paid_with.extend(means);
        }
        paid_with
    }
}

/// The parts of an invoice, as rows of ours.
pub struct Parts {
    pub lines: Vec<Line>,
    pub payments: Vec<Payment>,
    pub refunds: Vec<Refund>,
    pub disputes: Vec<Dispute>,
    pub credit_notes: Vec<CreditNote>,
}

impl Parts {
    /// Takes off what somebody wrote into credit notes, and where Stripe shows them.
    pub fn erase_personal_data(&mut self) {
        for note in &mut self.credit_notes {
            (note.memo, note.pdf) = (None, None);
        }
    }
}

/// What belongs to an invoice, for the row `id`.
///
/// # Errors
/// Where Stripe says what we cannot read.
pub fn parts(id: OurInvoiceId, shown: &Shown) -> Result<Parts> {
    let lines = shown.lines.iter().zip(0..);
    Ok(Parts {
        lines: lines.map(|(line, position)| line_row(id, position, line)).collect::<Result<_>>()?,
        payments: shown
            .payments
            .iter()
            .map(|payment| payment_row(id, payment))
            .collect::<Result<_>>()?,
        disputes: shown.disputes.iter().map(|row| dispute_row(id, row)).collect::<Result<_>>()?,
        refunds: shown
            .refunds
            .iter()
            .map(|refund| refund_row(id, refund))
            .collect::<Result<_>>()?,
        credit_notes: shown
            .credit_notes
            .iter()
            .map(|note| credit_note_row(id, note))
            .collect::<Result<_>>()?,
    })
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

fn line_row(id: OurInvoiceId, position: i64, line: &InvoiceLine) -> Result<Line> {
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

fn payment_row(id: OurInvoiceId, payment: &InvoicePayment) -> Result<Payment> {
    Ok(Payment {
        invoice_id: id,
        created_at: time(payment.created)?,
        settled_at: payment.settled_at().map(time).transpose()?,
        amount_requested: payment.amount_requested,
        amount_paid: payment.amount_paid.unwrap_or(0),
        stripe_payment_id: payment.id.clone(),
        status: payment.status.clone(),
        kind: payment.payment.r#type.clone(),
    })
}

fn refund_row(id: OurInvoiceId, refund: &objects::Refund) -> Result<Refund> {
    let status = refund.status.as_deref().unwrap_or(RefundStatus::Pending.as_str());
    Ok(Refund {
        invoice_id: id,
        status: status.parse().map_err(|error| anyhow!("{error}"))?,
        amount: refund.amount,
        created_at: time(refund.created)?,
        stripe_refund_id: refund.id.clone(),
        reason: refund.reason.clone(),
    })
}

fn dispute_row(id: OurInvoiceId, dispute: &objects::Dispute) -> Result<Dispute> {
    Ok(Dispute {
        invoice_id: id,
        status: dispute.status.parse().map_err(|error| anyhow!("{error}"))?,
        reason: dispute.reason.clone(),
        amount: dispute.amount,
        withdrawn: dispute.is_withdrawn(),
        evidence_due: dispute.evidence_due().map(time).transpose()?,
        created_at: time(dispute.created)?,
        stripe_dispute_id: dispute.id.clone(),
    })
}

fn credit_note_row(id: OurInvoiceId, note: &objects::CreditNote) -> Result<CreditNote> {
    Ok(CreditNote {
        invoice_id: id,
        status: note.status.parse().map_err(|error| anyhow!("{error}"))?,
        total: note.total,
        before_payment: note.pre_payment_amount,
        after_payment: note.post_payment_amount,
        created_at: time(note.created)?,
        voided_at: note.voided_at.map(time).transpose()?,
        stripe_credit_note_id: note.id.clone(),
        number: note.number.clone(),
        reason: note.reason.clone(),
        memo: note.memo.clone(),
        pdf: note.pdf.clone(),
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
