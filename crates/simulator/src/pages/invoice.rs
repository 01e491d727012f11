//! The hosted invoice: what is billed, to whom, and whether it is paid.

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use maud::html;

use super::{layout, not_found, page, pdf};
use crate::{
    Simulator, calendar, credit_notes::CreditNote, invoices::Invoice, money, tax_rates::Tax,
    world::World,
};

pub fn router() -> Router<Simulator> {
    Router::new()
        .route("/invoices/{id}", get(show))
        .route("/invoices/{id}/pdf", get(download))
        .route("/credit_notes/{id}/pdf", get(download_credit_note))
}

async fn show(State(simulator): State<Simulator>, Path(id): Path<String>) -> Response {
    simulator.with(|world| match world.invoices.find(&id) {
        Some(invoice) => page(StatusCode::OK, render(world, invoice)),
        None => not_found("invoice"),
    })
}

async fn download(State(simulator): State<Simulator>, Path(id): Path<String>) -> Response {
    simulator.with(|world| {
        let Some(invoice) = world.invoices.find(&id).filter(|invoice| invoice.number.is_some())
        else {
            return not_found("invoice");
        };
        file(invoice.number.as_deref().unwrap_or_default(), &text(world, invoice))
    })
}

async fn download_credit_note(
    State(simulator): State<Simulator>,
    Path(id): Path<String>,
) -> Response {
    simulator.with(|world| match world.credit_notes.find(&id) {
        Some(note) => file(&note.number, &text_of_credit_note(world, note)),
        None => not_found("credit note"),
    })
}

/// A PDF named by its number.
fn file(number: &str, text: &[String]) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{number}.pdf\"")),
    ];
    (headers, pdf::write(text)).into_response()
}

fn text_of_credit_note(world: &World, note: &CreditNote) -> Vec<String> {
    let amount = |amount| money::show(amount, &note.currency);
    let invoice = world.invoices.find(&note.invoice).and_then(|invoice| invoice.number.clone());
    let mut text = vec![
        format!("Credit note {}", note.number),
        String::new(),
        format!("Date: {}", calendar::day(note.effective_at)),
        format!("Invoice: {}", invoice.unwrap_or_default()),
        String::new(),
    ];
    for line in &note.lines {
        let description = line.description.as_deref().unwrap_or("Credit");
        text.push(format!("{description}: {}", amount(line.total())));
    }
    text.push(format!("Total: {}", amount(note.total())));
    text
}

fn tax_label(tax: &Tax) -> &'static str {
    if tax.inclusive { "Tax included" } else { "Tax" }
}

/// The invoice as lines of text.
fn text(world: &World, invoice: &Invoice) -> Vec<String> {
    let amount = |amount| money::show(amount, &invoice.currency);
    let number = invoice.number.as_deref().unwrap_or_default();
    let customer = world.customers.find(&invoice.customer);
    let to = customer.and_then(|customer| customer.name.clone().or(customer.email.clone()));
    let mut text = vec![
        format!("Invoice {number}"),
        String::new(),
        format!("Date: {}", calendar::day(invoice.created)),
        format!("To: {}", to.unwrap_or_default()),
        format!("Status: {}", invoice.status.word()),
        String::new(),
    ];
    for line in &invoice.lines {
        let period = format!("{} – {}", calendar::day(line.period.0), calendar::day(line.period.1));
        text.push(format!("{}, {period}: {}", line.description, amount(line.amount)));
    }
    text.push(String::new());
    for (_, off) in invoice.discounts() {
        text.push(format!("Discount: {}", amount(-off)));
    }
    for tax in invoice.taxes() {
        text.push(format!("{}: {}", tax_label(&tax), amount(tax.amount)));
    }
    text.push(format!("Total: {}", amount(invoice.total())));
    if invoice.credited() > 0 {
        text.push(format!("Credit notes: {}", amount(-invoice.credited())));
    }
    text.push(format!("Due: {}", amount(invoice.amount_due())));
    text
}

fn render(world: &World, invoice: &Invoice) -> String {
    let amount = |amount| money::show(amount, &invoice.currency);
    let number = invoice.number.as_deref().unwrap_or("Draft invoice");
    let customer = world.customers.find(&invoice.customer);
    let to = customer.and_then(|customer| customer.name.as_ref().or(customer.email.as_ref()));
    let intent = invoice.payment_intent.as_ref().and_then(|id| world.payment_intents.find(id));
    let waits = intent.filter(|intent| intent.status == "requires_action").map(|i| &i.id);
    layout(
        number,
        &html! {
            h1 { "Invoice " (number) }
            p { (calendar::day(invoice.created)) @if let Some(to) = to { ", to " (to) } ", "
                strong { (invoice.status.word()) } "." }
            p { a href={ "/invoices/" (invoice.id) "/pdf" } { "Download as PDF" } }
            @if let Some(intent) = waits { p { a href={ "/authenticate/" (intent) } { "Authenticate the payment" } } }
            table {
                thead { tr { th scope="col" { "For" } th scope="col" { "Period" } th scope="col" { "Amount" } } }
                tbody {
                    @for line in &invoice.lines {
                        tr {
                            td { (line.description) }
                            td { (calendar::day(line.period.0)) " – " (calendar::day(line.period.1)) }
                            td { (amount(line.amount)) }
                        }
                    }
                }
                tfoot {
                    @for (_, off) in invoice.discounts() {
                        tr { th scope="row" colspan="2" { "Discount" } td { (amount(-off)) } }
                    }
                    @for tax in invoice.taxes() {
                        tr { th scope="row" colspan="2" { (tax_label(&tax)) } td { (amount(tax.amount)) } }
                    }
                    tr { th scope="row" colspan="2" { "Total" } td { strong { (amount(invoice.total())) } } }
                    @if invoice.credited() > 0 {
                        tr { th scope="row" colspan="2" { "Credit notes" } td { (amount(-invoice.credited())) } }
                    }
                }
            }
        },
    )
}
