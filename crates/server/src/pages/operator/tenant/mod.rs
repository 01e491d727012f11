//! One tenant: what it has, what it uses, what it owes, what happened to it; and what can be done about it.

mod buttons;

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use tollhouse_domain::{actor::Permission, id::TenantId};

pub use buttons::{change_plan, reactivate, replay, suspend};

use crate::{
    app::App,
    audit::queries::{self as audit, AuditEntry},
    error::Result,
    events::queries as events,
    http::extract::TenantPath,
    invoices::queries as invoices,
    pages::{
        frame::{Frame, Live},
        invoice,
        show::{self, Column::Words},
        subscription, timeline, usage,
        visitor::Visitor,
    },
    subscriptions::{api::full_view, queries as subscriptions},
    tenants::{actions as tenants, queries::Tenant},
};

const INVOICES_SHOWN: i64 = 6;
const EVENTS_SHOWN: i64 = 10;
const AUDIT_SHOWN: i64 = 10;

pub async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    TenantPath(id): TenantPath,
) -> Result<Html<String>> {
    visitor.caller.tenant(id, Permission::ReadAnyTenant)?;
    let tenant = tenants::get(&app, id).await?;
    let mut conn = app.db.read().await?;
    let live = Live::Tenant(id, events::last_sequence(&mut conn, id).await?);
    drop(conn);
    let may_manage = visitor.caller.require(Permission::ManageTenants).is_ok();
    let content = html! {
        p { a href="/pages/tenants" { "← Tenants" } }
        h1 { (tenant.name) }
        section #facts data-live { (facts(&tenant)) }
        section #subscription data-live aria-labelledby="subscription-head" {
            h2 #subscription-head { "Subscription" }
            (subscription_of(&app, &tenant).await?)
        }
        section #usage data-live { h2 { "Usage against limits" } (usage::bars(&app, &tenant).await?) }
        @if may_manage { (buttons::forms(&app, &visitor, &tenant).await?) }
        (history(&app, id).await?)
    };
    let frame =
        Frame { visitor: &visitor, title: &tenant.name, place: "/pages/tenants", live: Some(live) };
    Ok(frame.page(&content))
}

fn facts(tenant: &Tenant) -> Markup {
    let dash = || "–".to_owned();
    show::facts(&[
        (
            "Stands",
            html! {
                (show::state(tenant.status.as_str()))
                @if let Some(since) = tenant.status_since { " since " (show::day(since)) }
                @if let Some(reason) = &tenant.status_reason { div.quiet { (reason) } }
                @if tenant.settle_at.is_some() { div.quiet { "Stripe is still to be told." } }
            },
        ),
        ("Address", html! { (tenant.email()) }),
        ("Support", html! { (tenant.support_tier) ", SLA " (tenant.sla_level) }),
        ("Tenant", html! { code { (tenant.id) } }),
        (
            "Customer",
            html! { code { (tenant.stripe_customer_id.as_ref().map_or_else(dash, ToString::to_string)) } },
        ),
        ("Since", show::day(tenant.created_at)),
    ])
}

async fn subscription_of(app: &App, tenant: &Tenant) -> Result<Markup> {
    let mut conn = app.db.read().await?;
    let base = subscriptions::find_live_base(&mut conn, tenant.id).await?;
    // `full_view` takes a connection of its own.
    drop(conn);
    let Some(base) = base else { return Ok(html! { p.quiet { "It has none." } }) };
    let view = full_view(app, tenant, base).await?;
    Ok(html! { (subscription::facts(&view)) (subscription::addons(&view)) })
}

async fn history(app: &App, id: TenantId) -> Result<Markup> {
    let mut conn = app.db.read().await?;
    let invoices =
        first(invoices::list(&mut conn, id, None, INVOICES_SHOWN).await?, INVOICES_SHOWN);
    let events = events::history(&mut conn, id, events::Filter::default(), EVENTS_SHOWN).await?;
    let events = first(events, EVENTS_SHOWN);
    let audit = first(audit::list(&mut conn, Some(id), None, AUDIT_SHOWN).await?, AUDIT_SHOWN);
    drop(conn);
    let audit: Vec<Vec<Markup>> = audit.iter().map(done).collect();
    Ok(html! {
        section #invoices data-live { h2 { "Invoices" } (invoice::table(&invoices)) }
        section #events data-live { h2 { "Events" } (timeline::of_tenant(&events)) }
        section #audit data-live {
            h2 { "Audit" }
            (show::table("Audit", &[Words("What"), Words("Who"), Words("When")], &audit, "Nothing was done yet."))
        }
    })
}

/// Queries give one row more than they were asked for, where there are more.
fn first<Row>(mut rows: Vec<Row>, limit: i64) -> Vec<Row> {
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows
}

fn done(entry: &AuditEntry) -> Vec<Markup> {
    vec![html! { (entry.action) }, html! { (entry.actor) }, show::moment(entry.occurred_at)]
}
