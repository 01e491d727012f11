//! Everything about a tenant's billing on one page, for its own people.

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use tollhouse_domain::{actor::Permission, plan::Plan, tenant::TenantStatus};

use super::{HOME, may_manage, own, usage};
use crate::{
    app::App,
    db::Conn,
    error::Result,
    events::queries as events,
    invoices::queries as invoices,
    pages::{
        frame::{Frame, Live, csrf},
        included, invoice, show, subscription, timeline,
        usage::bars,
        visitor::Visitor,
    },
    subscriptions::{
        api::{FullSubscription, full_view},
        queries::find_live_base,
    },
    tenants::queries::Tenant,
    usage::actions::plans,
};

const INVOICES_SHOWN: i64 = 12;
const EVENTS_SHOWN: i64 = 15;

pub async fn show(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Html<String>> {
    let tenant = own(&app, &visitor, Permission::Read).await?;
    let mut conn = app.db.read().await?;
    let live = Live::Tenant(tenant.id, events::last_sequence(&mut conn, tenant.id).await?);
    let has = plans(&mut conn, &tenant).await?;
    let base = find_live_base(&mut conn, tenant.id).await?;
    let documents = documents(&mut conn, &tenant).await?;
    // What follows takes connections of its own.
    drop(conn);
    let view = match base {
        Some(base) => Some(full_view(&app, &tenant, base).await?),
        None => None,
    };
    let content = html! {
        h1 { (tenant.name) }
        section #plan data-live aria-labelledby="plan-head" {
            h2 #plan-head { "Your plan" }
            (warning(&tenant, view.as_ref()))
            (plan(view.as_ref(), &has))
            @if may_manage(&visitor) { (ways(&visitor, view.as_ref())) }
        }
        section #included data-live { h2 { "What it includes" } (included::of(&has)) }
        section #usage data-live {
            h2 { "Usage" }
            (bars(&app, &tenant).await?)
            h3 { "The last thirty days" }
            (usage::plots(&app, &tenant).await?)
        }
        section #credits data-live { h2 { "Credits" } (usage::credits(&app, &tenant).await?) }
        (documents)
    };
    let frame = Frame { visitor: &visitor, title: "Billing", place: HOME, live: Some(live) };
    Ok(frame.page(&content))
}

/// What a person must know before anything else.
fn warning(tenant: &Tenant, subscription: Option<&FullSubscription>) -> Markup {
    let status = subscription.map(|subscription| subscription.status.as_str());
    html! {
        @if tenant.status != TenantStatus::Active {
            p.alert { "This account is " (tenant.status) ". Ask us before anything else." }
        } @else if let Some("past_due" | "unpaid") = status {
            p.alert {
                "The last payment failed. "
                @match subscription.and_then(|subscription| subscription.access_until) {
                    Some(until) => { "You have access until " (show::moment(until)) "; another card, or money on this one, mends it." }
                    None => "You have no access until it is paid.",
                }
            }
        }
    }
}

fn plan(subscription: Option<&FullSubscription>, has: &[Plan]) -> Markup {
    html! {
        @match subscription {
            Some(subscription) => { (subscription::facts(subscription)) (subscription::addons(subscription)) }
            None => p {
                "You have no subscription"
                @if let Some(free) = has.first() { "; " strong { (free.name) } " is what you may use" } "."
            }
        }
    }
}

/// Where to go from here.
fn ways(visitor: &Visitor, subscription: Option<&FullSubscription>) -> Markup {
    let Some(subscription) = subscription else {
        return html! { p.ways { a.button.deep href="/pages/billing/plan" { "Choose a plan" } } };
    };
    html! {
        div.ways {
            a.button.deep href="/pages/billing/plan" { "Change plan or seats" }
            a.button href="/pages/billing/cards" { "Cards" }
            @if subscription.cancel_at.is_some() || subscription.status == "paused" {
                form method="post" action="/pages/billing/resume" {
                    (csrf(visitor))
                    button #resume type="submit" { "Keep it" }
                }
            } @else {
                a.button href="/pages/billing/cancel" { "Cancel" }
            }
            @if subscription.pending_change.is_some() {
                form method="post" action="/pages/billing/plan/pending" {
                    (csrf(visitor))
                    button.quiet #drop-pending type="submit" { "Drop the change that waits" }
                }
            }
        }
    }
}

async fn documents(conn: &mut Conn, tenant: &Tenant) -> Result<Markup> {
    let mut invoices = invoices::list(conn, tenant.id, None, INVOICES_SHOWN).await?;
    let filter = events::Filter::default();
    let mut happened = events::history(conn, tenant.id, filter, EVENTS_SHOWN).await?;
    invoices.truncate(usize::try_from(INVOICES_SHOWN).unwrap_or(usize::MAX));
    happened.truncate(usize::try_from(EVENTS_SHOWN).unwrap_or(usize::MAX));
    Ok(html! {
        section #invoices data-live { h2 { "Invoices" } (invoice::table(&invoices)) }
        section #events data-live { h2 { "What happened" } (timeline::of_tenant(&happened)) }
    })
}
