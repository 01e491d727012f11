//! Invoices in a table.

use maud::{Markup, html};

use super::show;
use crate::invoices::queries::Invoice;

pub fn table(invoices: &[Invoice]) -> Markup {
    let rows: Vec<Vec<Markup>> = invoices.iter().map(line).collect();
    let heads = ["Number", "State", "Total", "Left to pay", "Date", "Document"];
    show::table("Invoices", &heads, &rows, "There is none yet.")
}

fn line(invoice: &Invoice) -> Vec<Markup> {
    let number = invoice.number.as_deref().unwrap_or("draft");
    vec![
        html! {
            @match &invoice.hosted_invoice_url {
                Some(url) => a href=(url) rel="noopener" { (number) },
                None => (number),
            }
        },
        html! {
            (show::state(invoice.status.as_str()))
            @if invoice.refunded > 0 {
                div.quiet { (show::money(invoice.money(invoice.refunded))) " given back" }
            }
        },
        html! { (show::money(invoice.money(invoice.total))) },
        html! { (show::money(invoice.money(invoice.amount_remaining))) },
        show::day(invoice.created_at),
        html! {
            @match &invoice.invoice_pdf {
                Some(url) => a href=(url) rel="noopener" aria-label={ "PDF of " (number) } { "PDF" },
                None => "–",
            }
        },
    ]
}
