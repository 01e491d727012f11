//! What the lines of a credit note credit: parts of the invoice's lines, or amounts of their own.

use super::CreditLine;
use crate::{
    error::{Error, Result},
    invoices::{Invoice, Line},
    params::{Metadata, Params},
    subscriptions::share,
    tax_rates::{self, Tax},
    world::World,
};

/// The `lines` of a request; or one over the whole `amount`, which says nothing of tax.
///
/// # Errors
/// Neither or both are given; a line is not one of the invoice's, or is credited with more than it has.
pub fn read(world: &World, params: &Params<'_>, invoice: &Invoice) -> Result<Vec<CreditLine>> {
    let amount = params.integer("amount")?;
    let entries = params.objects("lines")?;
    match (amount, entries.is_empty()) {
        (Some(amount), true) if amount > 0 => Ok(vec![CreditLine { amount, ..blank() }]),
        (Some(_), true) => Err(params.wrong("amount", "The amount must be greater than zero.")),
        (Some(_), false) => {
            Err(Error::invalid("You may only specify one of these parameters: amount, lines.")
                .code("parameters_exclusive"))
        }
        (None, true) => Err(Error::invalid(
            "You must specify one of these parameters: amount, lines, shipping_cost.",
        )
        .code("parameter_missing")
        .param("amount")),
        (None, false) => entries.iter().map(|entry| read_line(world, entry, invoice)).collect(),
    }
}

fn blank() -> CreditLine {
    CreditLine {
        id: String::new(),
        invoice_line: None,
        description: None,
        amount: 0,
        quantity: None,
        unit_amount: None,
        discounts: Vec::new(),
        taxes: Vec::new(),
        tax_rates: Vec::new(),
        metadata: Metadata::new(),
    }
}

fn read_line(world: &World, entry: &Params<'_>, invoice: &Invoice) -> Result<CreditLine> {
    let kind = entry
        .choice("type", &["custom_line_item", "invoice_line_item"])?
        .ok_or_else(|| Error::parameter_missing(&entry.name("type")))?;
    let mut line = match kind {
        "invoice_line_item" => of_invoice_line(world, entry, invoice)?,
        _ => of_its_own(world, entry)?,
    };
    entry.merge_metadata(&mut line.metadata)?;
    Ok(line)
}

fn of_invoice_line(world: &World, entry: &Params<'_>, invoice: &Invoice) -> Result<CreditLine> {
    entry.only(
        &["amount", "invoice_line_item", "metadata", "quantity", "type"],
        &["description", "tax_amounts", "tax_rates", "unit_amount", "unit_amount_decimal"],
    )?;
    let id = entry.required_text("invoice_line_item")?;
    let name = entry.name("invoice_line_item");
    let found = invoice.lines.iter().find(|line| line.id == id);
    let line = found.ok_or_else(|| Error::no_such("invoice line item", id, &name))?;
    let quantity = entry.integer("quantity")?;
    let wanted = match (entry.integer("amount")?, quantity) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid(
                "You may only specify one of these parameters: amount, quantity.",
            )
            .code("parameters_exclusive"));
        }
        (Some(amount), None) => amount,
        (None, Some(quantity)) => share(line.amount, quantity, line.quantity.floor()),
        (None, None) => line.amount,
    };
    let left = line.amount - credited(world, id);
    if wanted <= 0
        || wanted > left
        || quantity.is_some_and(|quantity| quantity > line.quantity.floor())
    {
        let message =
            format!("You can credit from 1 to {left} of this line item, and not {wanted}.");
        return Err(Error::invalid(message).param(&name));
    }
    Ok(CreditLine { quantity: quantity.or(line.quantity.to_integer()), ..part(line, wanted) })
}

/// `amount` of a line, with its part of the discounts and the taxes.
fn part(line: &Line, amount: i64) -> CreditLine {
    let of = |whole: i64| share(whole, amount, line.amount);
    let discounts = line.discounts.iter().map(|(id, off)| (id.clone(), of(*off)));
    let taxes = line.taxes.iter().map(|tax| Tax {
        amount: of(tax.amount),
        taxable: of(tax.taxable),
        ..tax.clone()
    });
    CreditLine {
        invoice_line: Some(line.id.clone()),
        description: Some(line.description.clone()),
        amount,
        discounts: discounts.collect(),
        taxes: taxes.collect(),
        ..blank()
    }
}

/// What earlier credit notes took of a line of an invoice.
fn credited(world: &World, line: &str) -> i64 {
    let notes = world.credit_notes.rows().iter().filter(|note| !note.is_void());
    let lines = notes.flat_map(|note| &note.lines);
    let of_line = lines.filter(|found| found.invoice_line.as_deref() == Some(line));
    of_line.map(|found| found.amount).sum()
}

fn of_its_own(world: &World, entry: &Params<'_>) -> Result<CreditLine> {
    entry.only(
        &["description", "metadata", "quantity", "tax_rates", "type", "unit_amount"],
        &["amount", "invoice_line_item", "tax_amounts", "unit_amount_decimal"],
    )?;
    let unit_amount = entry.integer("unit_amount")?;
    let unit = unit_amount.ok_or_else(|| Error::parameter_missing(&entry.name("unit_amount")))?;
    let quantity = entry.integer("quantity")?.unwrap_or(1);
    let amount = unit.saturating_mul(quantity);
    if unit <= 0 || quantity <= 0 {
        return Err(entry.wrong("unit_amount", "A line credits more than nothing."));
    }
    let rates = tax_rates::read(world, entry, "tax_rates")?.unwrap_or_default();
    Ok(CreditLine {
        description: Some(entry.required_text("description")?.to_owned()),
        amount,
        quantity: Some(quantity),
        unit_amount,
        taxes: tax_rates::taxes(world, &rates, amount),
        tax_rates: rates,
        ..blank()
    })
}
