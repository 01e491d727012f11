//! A credit note as a request describes it, checked against its invoice and not yet kept.

use super::{CreditLine, CreditNote, Split, lines};
use crate::{
    error::{Error, Result},
    invoices::{Invoice, Status},
    params::{Metadata, Params},
    payments::Charge,
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
    let mut note = CreditNote {
        id: world.ids.id("cn_"),
        created: world.now,
        effective_at: params.integer("effective_at")?.unwrap_or(world.now),
        number: number(world, &invoice),
        split: split(world, params, &invoice, total)?,
        invoice: invoice.id,
        customer: invoice.customer,
        currency: invoice.currency,
        lines,
        refund: None,
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
fn split(world: &World, params: &Params<'_>, invoice: &Invoice, total: i64) -> Result<Split> {
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
        credit: amount("credit_amount")?,
        out_of_band: amount("out_of_band_amount")?,
    };
    let expected = total - split.pre_payment;
    if split.post_payment() != expected {
        return Err(Error::invalid(format!(
            "The sum of refund_amount, credit_amount and out_of_band_amount ({}) must equal the \
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

/// What paid the invoice.
pub fn charge<'a>(world: &'a World, invoice: &Invoice) -> Option<&'a Charge> {
    let intent = world.payment_intents.find(invoice.payment_intent.as_ref()?)?;
    let charge = world.charges.find(intent.latest_charge.as_ref()?)?;
    Some(charge).filter(|charge| charge.is_paid())
}
