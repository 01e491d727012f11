//! The invoices of all tenants, newest first, and those in one state.

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, id::InvoiceId, invoice::InvoiceStatus, money::Money};

use super::search::{Choice, given, searched, select};
use crate::{
    analytics::queries::{Billed, BilledInvoice, list_billed},
    app::App,
    db::Page,
    error::{Result, invalid},
    events::queries::last_position,
    http::extract::{Query, cursor},
    pages::{
        frame::{Frame, Live},
        invoice,
        show::{
            self,
            Column::{Numbers, Words},
        },
        visitor::Visitor,
    },
};

const PLACE: &str = "/pages/invoices";
const LIMIT: i64 = 25;
/// Beside Stripe's five words: open, and a payment failed.
const FAILED: &str = "failed";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    state: Option<String>,
    cursor: Option<String>,
}

pub async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let before: Option<InvoiceId> = cursor(search.cursor.as_deref())?;
    let wanted = wanted(&search)?;
    let mut conn = app.db.read().await?;
    let live = Some(Live::All(last_position(&mut conn).await?));
    let rows = list_billed(&mut conn, wanted, before, LIMIT).await?;
    drop(conn);
    let page = Page::of(rows, LIMIT, |row| row.id.to_string(), |row| line(&row));
    let path = searched(PLACE, &[("state", &search.state)]);
    let frame = Frame { visitor: &visitor, title: "Invoices", place: PLACE, live };
    Ok(frame.page(&html! {
        h1 { "Invoices" }
        form.search method="get" action=(PLACE) {
            (select("state", "State", &states(), search.state.as_deref()))
            button type="submit" { "Show" }
        }
        section #invoices data-live aria-label="Invoices" {
            (show::table(
                "List of invoices",
                &[
                    Words("Number"), Words("Tenant"), Words("State"), Numbers("Total"), Numbers("Left to pay"),
                    Words("Date"), Words("Document"),
                ],
                &page.data,
                "None stands so.",
            ))
            (show::more(&path, page.next_cursor.as_ref()))
        }
    }))
}

fn states() -> Vec<Choice<'static>> {
    let known = InvoiceStatus::ALL.iter().map(|status| (status.as_str(), status.as_str()));
    known.chain([(FAILED, "open, and a payment failed")]).collect()
}

fn wanted(search: &Search) -> Result<Billed> {
    match given(search.state.as_ref()) {
        None => Ok(Billed::All),
        Some(word) if word == FAILED => Ok(Billed::Failed),
        Some(word) => Ok(Billed::In(
            word.parse().map_err(|_| invalid("state", "is not one of the words offered"))?,
        )),
    }
}

fn line(row: &BilledInvoice) -> Vec<Markup> {
    let money = |minor| show::money(Money::new(minor, row.currency));
    let number = row.number.as_deref().unwrap_or("draft");
    vec![
        invoice::number(number, row.hosted_invoice_url.as_ref()),
        html! { a href={ "/pages/tenants/" (row.tenant_id) } { (row.tenant_name) } },
        html! {
            (show::state(row.status.as_str()))
            @if row.refunded > 0 { div.quiet { (money(row.refunded)) " given back" } }
            @if row.status == InvoiceStatus::Open && row.attempt_count > 0 {
                div.quiet {
                    "tried " (show::times(row.attempt_count))
                    @if let Some(next) = row.next_payment_attempt { ", next on " (show::day(next)) }
                }
            }
        },
        html! { (money(row.total)) },
        html! { (money(row.amount_remaining)) },
        show::day(row.created_at),
        invoice::document(number, row.invoice_pdf.as_ref()),
    ]
}
