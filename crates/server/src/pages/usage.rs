//! Usage beside limits, as bars.

use std::collections::BTreeMap;

use maud::{Markup, html};
use tollhouse_domain::plan::{LimitPeriod, Meter};

use super::show;
use crate::{
    app::App,
    catalog::queries::meters,
    error::Result,
    tenants::queries::Tenant,
    usage::actions::{Limited, beside_limits},
};

/// A bar for each limit of a tenant, but for those per minute.
pub async fn bars(app: &App, tenant: &Tenant) -> Result<Markup> {
    let mut conn = app.db.read().await?;
    let limited = beside_limits(app, &mut conn, tenant).await?;
    let mut names = BTreeMap::new();
    for row in meters(&mut conn).await? {
        names.insert(row.code, row.definition.to::<Meter>()?.name);
    }
    drop(conn);
    let name = |limited: &Limited| names.get(&limited.limit.meter).cloned();
    Ok(html! {
        @if limited.is_empty() { p.quiet { "No limit counts now." } }
        ul.bars {
            @for limited in &limited {
                li { (bar(limited, &name(limited).unwrap_or_else(|| limited.limit.meter.clone()))) }
            }
        }
    })
}

fn bar(limited: &Limited, name: &str) -> Markup {
    let Limited { limit, used, resets_at } = limited;
    html! {
        div.line {
            strong { (name) " " (per(limit.per)) }
            span { (show::quantity(*used)) " of " (show::count(limit.max)) }
        }
        (show::bar(name, *used, limit.max))
        div.quiet {
            @if limit.hard { "More is refused." } @else { "More is allowed, and counted." }
            @if let Some(at) = resets_at { " Begins anew on " (show::day(*at)) "." }
        }
    }
}

/// A limit's span, as a person says it.
pub fn per(period: LimitPeriod) -> &'static str {
    match period {
        LimitPeriod::Minute => "a minute",
        LimitPeriod::Day => "today",
        LimitPeriod::Month => "this month",
        LimitPeriod::Period => "this billing period",
        LimitPeriod::Gauge => "at present",
    }
}
