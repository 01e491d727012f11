//! What all tenants use: meter by meter, and who is near to a limit or beyond it. Read from roll-ups alone.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use tollhouse_domain::{actor::Permission, plan::Meter, usage::Window};

use crate::{
    alerts::exceeding::{Near, nearest},
    analytics::queries::{Used, sum_used},
    app::App,
    catalog::queries::meters,
    error::Result,
    pages::{
        frame::Frame,
        show::{
            self,
            Column::{Numbers, Words},
        },
        usage::per,
        visitor::Visitor,
    },
};

/// Whose usage is summed up: the newest so many.
const TENANTS_MAX: i64 = 5_000;
/// From this share of a limit on, a tenant is near to it.
const NEAR_PER_MILLE: u16 = 800;
const NEAR_SHOWN: usize = 25;

pub async fn show(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let today = sum_used(&mut conn, Window::Day, Window::Day.start(now), TENANTS_MAX).await?;
    let month = sum_used(&mut conn, Window::Month, Window::Month.start(now), TENANTS_MAX).await?;
    let mut names = BTreeMap::new();
    for row in meters(&mut conn).await? {
        names.insert(row.code, row.definition.to::<Meter>()?.name);
    }
    drop(conn);
    let (near, all_seen) = nearest(&app, NEAR_PER_MILLE, NEAR_SHOWN).await?;
    let rows: Vec<Vec<Markup>> =
        names.iter().map(|(code, name)| meter(code, name, &today, &month)).collect();
    Ok(Frame { visitor: &visitor, title: "Usage", place: "/pages/usage", live: None }.page(&html! {
        h1 { "Usage" }
        p.quiet { "All tenants together; of more than " (show::count(TENANTS_MAX)) ", the newest." }
        (show::table(
            "Meters",
            &[
                Words("Meter"), Numbers("Today"), Numbers("Reports today"), Numbers("This month"),
                Numbers("Reports this month"), Numbers("Tenants this month"),
            ],
            &rows,
            "The catalog has no meter.",
        ))
        h2 { "Near to a limit, or beyond it" }
        @if near.is_empty() { p.quiet { "Nobody has used four fifths of a limit." } } @else {
            ul.bars { @for near in &near { li { (beside(near, &names)) } } }
        }
        @if !all_seen { p.quiet { "Only the first two thousand active tenants were looked at." } }
    }))
}

fn meter(code: &str, name: &str, today: &[Used], month: &[Used]) -> Vec<Markup> {
    let of = |rows: &[Used]| rows.iter().find(|row| row.meter == code).cloned();
    let (today, month) = (of(today), of(month));
    let quantity =
        |used: &Option<Used>| show::quantity(used.as_ref().map(Used::quantity).unwrap_or_default());
    let count = |number: Option<i64>| show::count(number.unwrap_or_default());
    vec![
        html! { (name) div.quiet { code { (code) } } },
        html! { (quantity(&today)) },
        html! { (count(today.as_ref().map(|used| used.events))) },
        html! { (quantity(&month)) },
        html! { (count(month.as_ref().map(|used| used.events))) },
        html! { (count(month.as_ref().map(|used| used.tenants))) },
    ]
}

fn beside(near: &Near, names: &BTreeMap<String, String>) -> Markup {
    let name = names.get(&near.meter).unwrap_or(&near.meter);
    html! {
        div.line {
            span { a href={ "/pages/tenants/" (near.tenant.id) } { (near.tenant.name) } ": " (name) " " (per(near.limit.per)) }
            span { (show::quantity(near.used)) " of " (show::count(near.limit.max)) }
        }
        (show::bar(name, near.used, near.limit.max))
        div.quiet { @if near.limit.hard { "More is refused." } @else { "More is allowed, and counted." } }
    }
}
