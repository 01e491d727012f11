//! How a credit note and its lines are shown.

use serde_json::{Value, json};

use super::{CreditLine, CreditNote};
use crate::{
    discounts, lists,
    tax_rates::{self, Tax},
    world::{World, with_nulls},
};

pub fn render(note: &CreditNote, world: &World) -> Value {
    let sum = |of: fn(&CreditLine) -> i64| note.lines.iter().map(of).sum::<i64>();
    let (subtotal, discount) = (sum(|line| line.amount), sum(CreditLine::discount));
    let (included, on_top) = (sum(|line| line.tax(true)), sum(|line| line.tax(false)));
    let discounts = discounts::sum(note.lines.iter().flat_map(|line| &line.discounts));
    let taxes = tax_rates::sum(note.lines.iter().flat_map(|line| &line.taxes));
    let lines = note.lines.iter().map(|line| render_line(line, world)).collect();
    let refunds = note.refunds.iter().map(|(refund, amount)| {
        json!({
            "amount_refunded": amount,
            "payment_record_refund": null,
            "refund": refund,
            "type": "refund",
        })
    });
    let out_of_band = note.split.out_of_band;
    let shown = json!({
        "id": note.id,
        "object": "credit_note",
        "amount": note.total(),
        "amount_shipping": 0,
        "created": note.created,
        "currency": note.currency,
        "customer": note.customer,
        "discount_amount": discount,
        "discount_amounts": discounts::show_amounts(&discounts),
        "effective_at": note.effective_at,
        "invoice": note.invoice,
        "lines": lists::whole(lines, &format!("/v1/credit_notes/{}/lines", note.id)),
        "livemode": false,
        "memo": note.memo,
        "metadata": note.metadata,
        "number": note.number,
        "out_of_band_amount": (out_of_band > 0).then_some(out_of_band),
        "pdf": format!("{}/credit_notes/{}/pdf", world.base_url, note.id),
        "post_payment_amount": note.split.post_payment(),
        "pre_payment_amount": note.split.pre_payment,
        "pretax_credit_amounts": [],
        "reason": note.reason,
        "refunds": refunds.collect::<Vec<_>>(),
        "status": if note.is_void() { "void" } else { "issued" },
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - included,
        "total": subtotal - discount + on_top,
        "total_excluding_tax": subtotal - discount - included,
        "total_taxes": taxes.iter().map(Tax::show).collect::<Vec<_>>(),
        "type": kind(note),
        "voided_at": note.voided_at,
    });
    with_nulls(shown, &["customer_account", "customer_balance_transaction", "shipping_cost"])
}

fn kind(note: &CreditNote) -> &'static str {
    match (note.split.pre_payment, note.split.post_payment()) {
        (_, 0) => "pre_payment",
        (0, _) => "post_payment",
        _ => "mixed",
    }
}

pub fn render_line(line: &CreditLine, world: &World) -> Value {
    let mut shown = json!({
        "id": line.id,
        "object": "credit_note_line_item",
        "amount": line.amount,
        "description": line.description,
        "discount_amount": line.discount(),
        "discount_amounts": discounts::show_amounts(&line.discounts),
        "livemode": false,
        "metadata": line.metadata,
        "pretax_credit_amounts": [],
        "quantity": line.quantity,
        "tax_rates": tax_rates::show(world, &line.tax_rates),
        "taxes": line.taxes.iter().map(Tax::show).collect::<Vec<_>>(),
        "type": "custom_line_item",
        "unit_amount": line.unit_amount,
        "unit_amount_decimal": line.unit_amount.map(|amount| amount.to_string()),
    });
    if let Some(id) = &line.invoice_line {
        shown["type"] = json!("invoice_line_item");
        shown["invoice_line_item"] = json!(id);
    }
    shown
}
