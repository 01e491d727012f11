//! How things stand at this moment, across all tenants.

mod revenue;

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use tollhouse_domain::{actor::Permission, usage::MeterEventState};

use crate::{
    app::App,
    db::Conn,
    doctor::backlog::OVERDUE_SECONDS,
    error::Result,
    events::queries as events,
    export::queries::counts_left,
    invoices::queries::{Invoice, list_failed},
    pages::{
        frame::{Frame, Live},
        show::{
            self,
            Column::{Numbers, Words},
        },
        timeline,
        visitor::Visitor,
    },
    reconcile::{drift::queries::count_open, queries::find_newest},
    subscriptions::queries::{self as subscriptions, StatusCount},
    tenants::queries as tenants,
    webhooks::queries::{Backlog, backlog},
};

const FAILED_SHOWN: i64 = 10;
const EVENTS_SHOWN: i64 = 12;

pub async fn show(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let live = Live::All(events::last_position(&mut conn).await?);
    let by_status = subscriptions::count_by_status(&mut conn).await?;
    let received = backlog(&mut conn, now.plus_seconds(-OVERDUE_SECONDS)).await?;
    let open = count_open(&mut conn).await?;
    let compared = find_newest(&mut conn).await?.map(|run| run.started_at);
    let left = counts_left(&mut conn).await?;
    let failed = failed(&mut conn).await?;
    let mut happened =
        events::history_of_all(&mut conn, None, events::Filter::default(), EVENTS_SHOWN).await?;
    happened.truncate(usize::try_from(EVENTS_SHOWN).unwrap_or(usize::MAX));
    drop(conn);
    let waits_for_person: i64 = left
        .iter()
        .filter(|of| of.state == MeterEventState::Unclear)
        .map(|of| of.meter_events)
        .sum();
    let frame =
        Frame { visitor: &visitor, title: "Overview", place: "/pages/overview", live: Some(live) };
    Ok(frame.page(&html! {
        h1 { "Overview" }
        section #revenue data-live aria-label="Revenue" { (revenue::revenue(&app).await?) }
        section #figures data-live aria-label="Figures" {
            (statuses(&by_status))
            h2 { "Work" }
            ul.figures {
                (figure("Webhooks waiting", received.waiting, waiting(&received), "/pages/deliveries"))
                (figure("Webhooks given up", received.dead, html! { "wait for a person" }, "/pages/deliveries?state=dead"))
                (figure("Drift", open, html! {
                    @match compared { Some(at) => { "compared " (show::moment(at)) }, None => "never compared" }
                }, "/pages/drift"))
                (figure("Usage in doubt", waits_for_person, html! { "at Stripe, waits for a person" }, "/pages/health"))
            }
        }
        section #failed data-live {
            h2 { "Owed after a failed payment" }
            (show::table("Failed payments", &[Words("Tenant"), Words("Invoice"), Numbers("Owed"), Numbers("Attempts"), Words("Next")], &failed,
                "Nobody owes anything after a failed payment."))
        }
        section #events data-live {
            h2 { "What happened last" }
            (timeline::of_all(&happened))
        }
    }))
}

fn statuses(counts: &[StatusCount]) -> Markup {
    html! {
        h2 { "Subscriptions" }
        @if counts.is_empty() { p.quiet { "Nobody has one yet." } }
        ul.figures {
            @for count in counts {
                li.figure { strong { (show::count(count.subscriptions)) } (show::state(count.status.as_str())) }
            }
        }
    }
}

fn figure(name: &str, number: i64, about: Markup, path: &str) -> Markup {
    html! {
        li.figure {
            strong { (show::count(number)) }
            a href=(path) { (name) }
            span.quiet { (about) }
        }
    }
}

fn waiting(received: &Backlog) -> Markup {
    html! {
        @match received.oldest {
            Some(at) => { "oldest from " (show::moment(at)) },
            None => "all worked",
        }
    }
}

async fn failed(conn: &mut Conn) -> Result<Vec<Vec<Markup>>> {
    let mut lines = Vec::new();
    for invoice in list_failed(conn, FAILED_SHOWN).await? {
        let tenant = tenants::find(conn, invoice.tenant_id).await?;
        lines.push(line(&invoice, tenant.map_or_else(String::new, |tenant| tenant.name)));
    }
    Ok(lines)
}

fn line(invoice: &Invoice, tenant: String) -> Vec<Markup> {
    vec![
        html! { a href={ "/pages/tenants/" (invoice.tenant_id) } { (tenant) } },
        html! { (invoice.number.as_deref().unwrap_or("draft")) },
        html! { (show::money(invoice.money(invoice.amount_remaining))) },
        html! { (invoice.attempt_count) },
        show::day_if_any(invoice.next_payment_attempt),
    ]
}
