//! What a tenant has used: beside its limits, day by day, and in credits.

use std::collections::BTreeMap;

use maud::{Markup, html};
use tollhouse_domain::{
    plan::Meter,
    time::Timestamp,
    usage::{Quantity, Window},
};

use crate::{
    app::App,
    catalog::queries::meters,
    credits::actions::account,
    error::Result,
    pages::{plot, show},
    tenants::queries::Tenant,
    usage::queries::series,
};

const DAYS: i64 = 30;
/// Days of all meters that are read; of more, the newest meters by name are left out.
const ROWS_MAX: i64 = 3_000;

/// A plot for each meter that counted something in the last thirty days.
pub async fn plots(app: &App, tenant: &Tenant) -> Result<Markup> {
    let today = Window::Day.start(app.clock.now());
    let from = today.plus_days(1 - DAYS);
    let mut conn = app.db.read().await?;
    let range = (from, today.plus_days(1));
    let rows = series(&mut conn, tenant.id, Window::Day, range, None, ROWS_MAX).await?;
    let known = meters(&mut conn).await?;
    drop(conn);
    let mut counted: BTreeMap<(String, Timestamp), Quantity> = BTreeMap::new();
    for row in rows {
        counted.insert((row.meter.clone(), row.starts_at), row.quantity());
    }
    let mut plots = Vec::new();
    for row in known {
        let quantity = |day| counted.get(&(row.code.clone(), day)).copied().unwrap_or_default();
        let days = (0..DAYS).map(|index| from.plus_days(index));
        let days: Vec<(Timestamp, Quantity)> = days.map(|day| (day, quantity(day))).collect();
        if days.iter().any(|(_, quantity)| *quantity > Quantity::ZERO) {
            plots.push(plot::of_quantities(&row.definition.to::<Meter>()?.name, &days));
        }
    }
    Ok(html! {
        @if plots.is_empty() { p.quiet { "Nothing was used in the last thirty days." } }
        div.plots { @for plot in &plots { (plot) } }
    })
}

/// How the credits stand, where the plan has any.
pub async fn credits(app: &App, tenant: &Tenant) -> Result<Markup> {
    let mut conn = app.db.read().await?;
    let account = account(&mut conn, tenant, app.clock.now()).await?;
    drop(conn);
    let cost = account.overage_cost()?;
    let used = show::quantity(account.present.used);
    Ok(show::facts(&[
        ("Included in this period", html! { (show::quantity(account.included())) }),
        ("Used", html! { (used) }),
        ("Left", html! { strong { (show::quantity(account.ledger.balance)) } }),
        ("Granted, and left", html! { (show::quantity(account.granted())) }),
        ("Rolled over, and left", html! { (show::quantity(account.rolled_over())) }),
        (
            "Beyond what is included",
            html! { (show::quantity(account.ledger.overage())) ", " (show::money(cost)) },
        ),
    ]))
}
