//! The hosted invoice: what is billed, to whom, and whether it is paid.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use maud::html;

use super::{layout, not_found, page};
use crate::{Simulator, calendar, invoices::Invoice, money, world::World};

pub fn router() -> Router<Simulator> {
    Router::new().route("/invoices/{id}", get(show))
}

async fn show(State(simulator): State<Simulator>, Path(id): Path<String>) -> Response {
    simulator.with(|world| match world.invoices.find(&id) {
        Some(invoice) => page(StatusCode::OK, render(world, invoice)),
        None => not_found("invoice"),
    })
}

fn render(world: &World, invoice: &Invoice) -> String {
    let amount = |amount| money::show(amount, &invoice.currency);
    let number = invoice.number.as_deref().unwrap_or("Draft invoice");
    let customer = world.customers.find(&invoice.customer);
    let to = customer.and_then(|customer| customer.name.as_ref().or(customer.email.as_ref()));
    layout(
        number,
        &html! {
            h1 { "Invoice " (number) }
            p { (calendar::day(invoice.created)) @if let Some(to) = to { ", to " (to) } ", "
                strong { (invoice.status.word()) } "." }
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
                tfoot { tr { th scope="row" colspan="2" { "Total" } td { strong { (amount(invoice.total())) } } } }
            }
        },
    )
}
