//! What the API does with credit notes.

use serde_json::Value;

use super::{CreditNote, draft, render::render_line};
use crate::{
    customers,
    error::{Error, Result},
    invoices, lists,
    params::Metadata,
    refunds,
    table::Object,
    world::{Request, World},
};

const LINE: &str = "credit note line item";

/// The money first, then the credit note, and then what it does to the invoice.
const ORDER: &[&str] = &[
    "refund.created",
    "charge.refunded",
    "customer.updated",
    "credit_note.created",
    "payment_intent.canceled",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
    "customer.subscription.updated",
];

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let note = draft::read(world, &request.params())?;
    Ok(world.in_order(ORDER, |world| issue(world, note)))
}

fn issue(world: &mut World, mut note: CreditNote) -> Value {
    let split = note.split;
    let charge = world.invoices.find(&note.invoice).and_then(|i| draft::charge(world, i)).cloned();
    if let Some(charge) = charge.filter(|_| split.refund > 0) {
        let refund = refunds::give_back(world, &charge, split.refund, None, Metadata::new());
        note.refunds.push((refund, split.refund));
    }
    if split.credit > 0 {
        let balance = customers::balance(world, &note.customer);
        customers::set_balance(world, &note.customer, balance - split.credit);
    }
    let shown = note.render(world);
    let invoice = note.invoice.clone();
    world.credit_notes.put(note);
    world.emit("credit_note.created", &shown);
    invoices::take_credit(world, &invoice, split.pre_payment, split.post_payment());
    shown
}

/// As `create` would answer; nothing is kept.
pub fn preview(world: &mut World, request: &Request) -> Result<Value> {
    let note = draft::read(world, &request.params())?;
    Ok(note.render(world))
}

pub fn preview_lines(world: &mut World, request: &Request) -> Result<Value> {
    let note = draft::read(world, &request.params())?;
    page_of_lines(world, &note, request)
}

pub fn lines(world: &mut World, request: &Request) -> Result<Value> {
    let note = world.credit_notes.get(&request.id, "id")?;
    page_of_lines(world, note, request)
}

fn page_of_lines(world: &World, note: &CreditNote, request: &Request) -> Result<Value> {
    let lines: Vec<Value> = note.lines.iter().map(|line| render_line(line, world)).collect();
    lists::list_parts(&lines, LINE, request)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.credit_notes.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (customer, invoice) = (params.text("customer")?, params.text("invoice")?);
    lists::list::<CreditNote>(world, request, |note| {
        customer.is_none_or(|customer| note.customer == customer)
            && invoice.is_none_or(|invoice| note.invoice == invoice)
    })
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut note = world.credit_notes.get(&request.id, "id")?.clone();
    let before = note.render(world);
    params.set_text("memo", &mut note.memo)?;
    params.merge_metadata(&mut note.metadata)?;
    let after = note.render(world);
    world.credit_notes.put(note);
    world.emit_update("credit_note.updated", &before, &after);
    Ok(after)
}

/// Only what was taken off an invoice that is still open can be asked for again.
pub fn void(world: &mut World, request: &Request) -> Result<Value> {
    let note = world.credit_notes.get(&request.id, "id")?.clone();
    let invoice = world.invoices.get(&note.invoice, "invoice")?;
    if note.is_void() {
        return Err(Error::invalid("This credit note is already void."));
    }
    if note.split.post_payment() > 0 || invoice.status != invoices::Status::Open {
        return Err(Error::invalid(
            "You can only void a credit note that reduced an invoice which is still open. Money \
             that was given back stays with the customer.",
        ));
    }
    let now = world.now;
    world.credit_notes.change(&request.id, |note| note.voided_at = Some(now));
    let shown = world.credit_notes.get(&request.id, "id")?.render(world);
    world.emit("credit_note.voided", &shown);
    invoices::take_credit(world, &note.invoice, -note.split.pre_payment, 0);
    Ok(shown)
}
