//! Invoices in a table.

use maud::{Markup, html};

use super::show::{
    self,
    Column::{Numbers, Words},
};
use crate::invoices::queries::Invoice;

pub fn table(invoices: &[Invoice]) -> Markup {
    let rows: Vec<Vec<Markup>> = invoices.iter().map(line).collect();
    let columns = [
        Words("Number"),
        Words("State"),
        Numbers("Total"),
        Numbers("Left to pay"),
        Words("Date"),
        Words("Document"),
    ];
    show::table("Invoices", &columns, &rows, "There is none yet.")
}

fn line(invoice: &Invoice) -> Vec<Markup> {
    let number = invoice.number.as_deref().unwrap_or("draft");
    vec![
        self::number(number, invoice.hosted_invoice_url.as_ref()),
        html! {
            (show::state(invoice.status.as_str()))
            @if invoice.refunded > 0 {
                div.quiet { (show::money(invoice.money(invoice.refunded))) " given back" }
            }
        },
        html! { (show::money(invoice.money(invoice.total))) },
        html! { (show::money(invoice.money(invoice.amount_remaining))) },
        show::day(invoice.created_at),
        document(number, invoice.invoice_pdf.as_ref()),
    ]
}

/// An invoice's number, which leads to Stripe's page of it.
pub fn number(number: &str, url: Option<&String>) -> Markup {
    html! { @match url { Some(url) => a.whole href=(url) rel="noopener" { (number) }, None => (number) } }
}

pub fn document(number: &str, pdf: Option<&String>) -> Markup {
    html! {
        @match pdf {
            Some(url) => a href=(url) rel="noopener" aria-label={ "PDF of " (number) } { "PDF" },
            None => "–",
        }
    }
}
