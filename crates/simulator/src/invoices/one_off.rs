//! Invoices of no subscription, and changing drafts.

use serde_json::{Value, json};

use super::{Invoice, Line, Status, announce, collect::announce_update, lines};
use crate::{
    automatic_tax,
    clock::Due,
    customers,
    error::{Error, Result},
    invoice_items,
    params::Params,
    payment_methods,
    table::Object,
    tax_rates,
    world::{Request, World},
};

use super::DRAFT_SECONDS;

const DAYS_UNTIL_DUE: i64 = 30;

/// `POST /v1/invoices`: a draft, of what waits if asked.
pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.required_text("customer")?;
    let found = world.customers.get(customer, "customer")?;
    let known_currency = found.currency.clone();
    let behavior = params.choice("pending_invoice_items_behavior", &["exclude", "include"])?;
    let mut waiting = Vec::new();
    if behavior == Some("include") {
        waiting = invoice_items::pending(world, customer, "");
    }
    let currency = match params.text("currency")? {
        Some(given) => given.to_ascii_lowercase(),
        None => waiting
            .first()
            .map(|item| item.currency.clone())
            .or(known_currency)
            .unwrap_or_else(|| "usd".to_owned()),
    };
    waiting.retain(|item| item.currency == currency);
    let mut invoice = Invoice::blank(customer, &currency, world.now);
    invoice.starting_balance = customers::balance(world, customer);
    read(world, &params, &mut invoice)?;
    for item in &waiting {
        put_line(world, &mut invoice, lines::waiting(world, item));
    }
    invoice.id = world.ids.id("in_");
    if invoice.auto_advance {
        invoice.next_step_at = Some(world.now + DRAFT_SECONDS);
    }
    let id = invoice.id.clone();
    if let Some(at) = invoice.next_step_at {
        world.agenda.add(at, Due::InvoiceStep(id.clone()));
    }
    world.invoices.put(invoice);
    for item in waiting {
        world.invoice_items.change(&item.id, |item| item.invoice = Some(id.clone()));
    }
    announce(world, "invoice.created", &id);
    Ok(world.invoices.get(&id, "invoice")?.render(world))
}

/// `POST /v1/invoices/{id}`. What has a number keeps what it asks for.
pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    const ALWAYS: [&str; 4] = ["auto_advance", "default_payment_method", "expand", "metadata"];

    let params = request.params();
    let mut invoice = world.invoices.get(&request.id, "invoice")?.clone();
    let refused = params.fields().find(|field| !ALWAYS.contains(field));
    if let Some(field) = refused.filter(|_| invoice.status != Status::Draft) {
        return Err(not_editable(&invoice).param(field));
    }
    let before = invoice.render(world);
    read(world, &params, &mut invoice)?;
    let mut lines = std::mem::take(&mut invoice.lines);
    if params.has("default_tax_rates") {
        set_taxes(world, &invoice, &mut lines);
    }
    invoice.lines = lines;
    let begins = invoice.auto_advance && invoice.status == Status::Draft;
    if begins && invoice.next_step_at.is_none() {
        let at = world.now + DRAFT_SECONDS;
        invoice.next_step_at = Some(at);
        world.agenda.add(at, Due::InvoiceStep(request.id.clone()));
    }
    world.invoices.put(invoice);
    announce_update(world, &request.id, Some(before));
    super::retrieve(world, request)
}

fn read(world: &World, params: &Params<'_>, invoice: &mut Invoice) -> Result<()> {
    if let Some(advances) = params.boolean("auto_advance")? {
        invoice.auto_advance = advances;
    }
    let days = params.integer("days_until_due")?;
    if days.is_some_and(|days| days < 0) {
        return Err(params.wrong("days_until_due", "Invalid non-negative integer"));
    }
    let methods = ["charge_automatically", "send_invoice"];
    let is_sent = match params.choice("collection_method", &methods)? {
        Some(method) => method == "send_invoice",
        None => invoice.is_sent(),
    };
    if days.is_some() && !is_sent {
        let message = "You can only set `days_until_due` if `collection_method` is `send_invoice`.";
        return Err(params.wrong("days_until_due", message));
    }
    invoice.days_until_due =
        is_sent.then(|| days.or(invoice.days_until_due).unwrap_or(DAYS_UNTIL_DUE));
    if let Some(rates) = tax_rates::read(world, params, "default_tax_rates")? {
        invoice.tax_rates = rates;
    }
    if let Some(method) = params.text("default_payment_method")? {
        let name = "default_payment_method";
        payment_methods::of_customer(world, method, &invoice.customer, name)?;
    }
    params.set_text("default_payment_method", &mut invoice.default_payment_method)?;
    params.set_text("description", &mut invoice.description)?;
    params.set_text("footer", &mut invoice.footer)?;
    params.merge_metadata(&mut invoice.metadata)
}

/// `DELETE /v1/invoices/{id}`: what it had taken up waits again.
pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    let invoice = world.invoices.get(&request.id, "invoice")?.clone();
    if invoice.status != Status::Draft || !invoice.subscription.is_empty() {
        return Err(Error::invalid(
            "You can only delete draft invoices that belong to no subscription.",
        )
        .code("invoice_not_editable"));
    }
    let shown = invoice.render(world);
    for item in invoice.lines.iter().filter_map(|line| line.invoice_item.as_ref()) {
        world.invoice_items.change(item, |item| item.invoice = None);
    }
    world.invoices.change(&request.id, |invoice| invoice.deleted = true);
    world.emit("invoice.deleted", &shown);
    Ok(json!({ "id": request.id, "object": "invoice", "deleted": true }))
}

/// The draft that an invoice item is to be put on.
///
/// # Errors
/// It is another customer's, in another currency, or no draft any more.
pub fn draft_for<'a>(
    world: &'a World,
    id: &str,
    customer: &str,
    currency: &str,
) -> Result<&'a Invoice> {
    let invoice = world.invoices.get(id, "invoice")?;
    if invoice.status != Status::Draft {
        return Err(not_editable(invoice).param("invoice"));
    }
    if invoice.customer != customer || invoice.currency != currency {
        let message = "The invoice is of another customer, or in another currency.";
        return Err(Error::invalid(message).param("invoice"));
    }
    Ok(invoice)
}

/// Puts an invoice item on its draft, or shows there what has changed about it.
pub fn show_item(world: &mut World, item: &str) {
    let Some(item) = world.invoice_items.find(item).cloned() else { return };
    change_draft(world, item.invoice.as_deref(), |world, invoice| {
        invoice.lines.retain(|line| line.invoice_item.as_ref() != Some(&item.id));
        if !item.deleted {
            put_line(world, invoice, lines::waiting(world, &item));
        }
    });
}

fn change_draft(
    world: &mut World,
    invoice: Option<&str>,
    change: impl FnOnce(&mut World, &mut Invoice),
) {
    let Some(mut invoice) = invoice.and_then(|id| world.invoices.find(id)).cloned() else { return };
    let before = invoice.render(world);
    change(world, &mut invoice);
    let id = invoice.id.clone();
    world.invoices.put(invoice);
    announce_update(world, &id, Some(before));
}

/// Adds a line, with its id and its tax.
fn put_line(world: &mut World, invoice: &mut Invoice, line: Line) {
    let mut line = Line { id: world.ids.id("il_"), ..line };
    set_taxes(world, invoice, std::slice::from_mut(&mut line));
    invoice.lines.push(line);
}

fn set_taxes(world: &World, invoice: &Invoice, lines: &mut [Line]) {
    if invoice.automatic_tax.enabled {
        automatic_tax::apply(world, customers::country(world, &invoice.customer), lines);
    } else {
        tax_rates::apply(world, &invoice.tax_rates, lines);
    }
}

fn not_editable(invoice: &Invoice) -> Error {
    Error::invalid(format!(
        "This invoice is {}, so it cannot be changed in this way; drafts can.",
        invoice.status.word()
    ))
    .code("invoice_not_editable")
}
