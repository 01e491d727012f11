//! A credit note as a request describes it, checked against its invoice and not yet kept.

use super::{CreditLine, CreditNote, Split, lines};
use crate::{
    error::{Error, Result},
    invoices::{Invoice, Status},
    params::{Metadata, Params},
    payments::Charge,
    table::Object,
    world::World,
};

/// # Errors
/// The invoice is no finalised one, or has less left to credit; the split is not exactly what was paid.
pub fn read(world: &mut World, params: &Params<'_>) -> Result<CreditNote> {
    params.choice("email_type", &["credit_note", "none"])?;
    let invoice = world.invoices.get(params.required_text("invoice")?, "invoice")?.clone();
    if matches!(invoice.status, Status::Draft | Status::Void) {
        return Err(params.wrong(
            "invoice",
            &format!(
                "You can only create credit notes for finalized invoices. This one is {}.",
                invoice.status.word()
            ),
        ));
    }
    let mut lines = lines::read(world, params, &invoice)?;
    for line in &mut lines {
        line.id = world.ids.id("cnli_");
    }
    let total = lines.iter().map(CreditLine::total).sum();
    let left = invoice.total() - invoice.credited();
    if total > left {
        let message = format!(
            "The amount of the credit note ({total}) is more than what is left to credit of the \
             invoice ({left})."
        );
        return Err(params.wrong("amount", &message));
    }
    let refunds = read_refunds(world, params, &invoice)?;
    let refunded = refunds.iter().map(|(_, amount)| amount).sum();
    let mut note = CreditNote {
        id: world.ids.id("cn_"),
        created: world.now,
        effective_at: params.integer("effective_at")?.unwrap_or(world.now),
        number: number(world, &invoice),
        split: split(world, params, &invoice, (total, refunded))?,
        invoice: invoice.id,
        customer: invoice.customer,
        currency: invoice.currency,
        lines,
        refunds,
        reason: params.choice(
            "reason",
            &["duplicate", "fraudulent", "order_change", "product_unsatisfactory"],
        )?,
        memo: params.text("memo")?.map(str::to_owned),
        metadata: Metadata::new(),
        voided_at: None,
    };
    params.merge_metadata(&mut note.metadata)?;
    Ok(note)
}

fn number(world: &World, invoice: &Invoice) -> String {
    let rows = world.credit_notes.rows().iter();
    let count = rows.filter(|note| note.invoice == invoice.id).count();
    format!("{}-CN-{:02}", invoice.number.as_deref().unwrap_or_default(), count + 1)
}

/// First off what the invoice still asks for; the request says where all the rest goes.
fn split(
    world: &World,
    params: &Params<'_>,
    invoice: &Invoice,
    (total, refunded): (i64, i64),
) -> Result<Split> {
    let amount = |field: &str| {
        let amount = params.integer(field)?.unwrap_or_default();
        match amount {
            ..0 => Err(params.wrong(field, "This value must be greater than or equal to 0.")),
            amount => Ok(amount),
        }
    };
    let split = Split {
        pre_payment: total.min(invoice.amount_remaining()),
        refund: amount("refund_amount")?,
        refunded,
        credit: amount("credit_amount")?,
        out_of_band: amount("out_of_band_amount")?,
    };
    let expected = total - split.pre_payment;
    if split.post_payment() != expected {
        return Err(Error::invalid(format!(
            "The sum of refund_amount, refunds, credit_amount and out_of_band_amount ({}) must equal the \
             part of the credit note that was paid already ({expected}).",
            split.post_payment()
        )));
    }
    let refundable = charge(world, invoice).map_or(0, Charge::left_to_refund);
    if split.refund > refundable {
        let message = format!(
            "The refund ({}) is more than what is left of the invoice's charge ({refundable}).",
            split.refund
        );
        return Err(params.wrong("refund_amount", &message));
    }
    Ok(split)
}

/// The `refunds` of a request: those of the invoice's charge that were there before.
///
/// # Errors
/// A refund of another charge, or more of it than other credit notes have left.
fn read_refunds(
    world: &World,
    params: &Params<'_>,
    invoice: &Invoice,
) -> Result<Vec<(String, i64)>> {
    let charge = charge(world, invoice).map(Object::id);
    let mut refunds = Vec::new();
    for entry in params.objects("refunds")? {
        entry.only(&["amount_refunded", "refund", "type"], &["payment_record_refund"])?;
        entry.choice("type", &["refund"])?;
        let id = entry.required_text("refund")?;
        let refund = world.refunds.get(id, &entry.name("refund"))?;
        if Some(refund.charge.as_str()) != charge {
            let message = "This refund is not of a charge that paid the invoice.";
            return Err(entry.wrong("refund", message));
        }
        let amount = entry.integer("amount_refunded")?.unwrap_or(refund.amount);
        let left = refund.amount - linked(world, id);
        if !(1..=left).contains(&amount) {
            let message = format!("You can credit from 1 to {left} of this refund.");
            return Err(entry.wrong("amount_refunded", &message));
        }
        refunds.push((id.to_owned(), amount));
    }
    Ok(refunds)
}

/// What credit notes have taken of a refund.
fn linked(world: &World, refund: &str) -> i64 {
    let refunds = world.credit_notes.rows().iter().flat_map(|note| &note.refunds);
    refunds.filter(|(id, _)| id == refund).map(|(_, amount)| amount).sum()
}

/// What paid the invoice.
pub fn charge<'a>(world: &'a World, invoice: &Invoice) -> Option<&'a Charge> {
    let intent = world.payment_intents.find(invoice.payment_intent.as_ref()?)?;
    let charge = world.charges.find(intent.latest_charge.as_ref()?)?;
    Some(charge).filter(|charge| charge.is_paid())
}
