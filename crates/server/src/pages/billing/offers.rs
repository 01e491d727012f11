//! What can be bought: plans, and add-ons beside the plan that one has.

use maud::{Markup, html};
use tollhouse_domain::{
    plan::{Plan, PlanKind},
    price::{ModelKind, Price},
};

use super::may_manage;
use crate::{
    catalog::{
        actions::sold,
        queries::{PriceRow, find_price},
    },
    db::Conn,
    error::Result,
    pages::{frame::csrf, included, show, visitor::Visitor},
    subscriptions::queries::{Subscription, list_live_addons},
};

/// Something that is sold, at the prices that fit whoever looks.
struct Offer {
    plan: Plan,
    prices: Vec<Price>,
}

/// Every plan, with the way to it; and add-ons, for whoever has a plan.
pub async fn all(
    conn: &mut Conn,
    visitor: &Visitor,
    base: Option<&Subscription>,
) -> Result<Markup> {
    let mut offers = Vec::new();
    for (row, prices) in sold(conn).await? {
        let prices = prices
            .iter()
            .map(|price: &PriceRow| price.definition.to())
            .collect::<Result<_, _>>()?;
        offers.push(Offer { plan: row.definition.to()?, prices });
    }
    let held = match base {
        Some(base) => find_price(conn, &base.price_lookup_key).await?,
        None => None,
    };
    if let Some(held) = &held {
        // A subscription stays in its currency.
        for offer in &mut offers {
            offer.prices.retain(|price| price.currency == held.currency);
        }
    }
    let addons = match base {
        Some(base) => list_live_addons(conn, base.tenant_id).await?,
        None => Vec::new(),
    };
    let is_base = |offer: &&Offer| offer.plan.kind == PlanKind::Base && !offer.plan.is_free();
    Ok(html! {
        h2 { "Base plans" }
        div.cards {
            @for offer in offers.iter().filter(is_base) {
                div.card { (head(offer)) (included::list(&offer.plan)) (form(visitor, offer, base)) }
            }
        }
        @if let Some(base) = base {
            h2 { "Add-ons" }
            @if addons.is_empty() { p.quiet { "You have none." } }
            div.cards {
                @for addon in &addons { (bought(visitor, addon)) }
                @for offer in offers.iter().filter(|offer| fits(offer, base, &addons)) {
                    div.card { (head(offer)) (included::list(&offer.plan)) (add(visitor, offer)) }
                }
            }
        }
    })
}

/// Whether an add-on can be bought beside this base.
fn fits(offer: &Offer, base: &Subscription, addons: &[Subscription]) -> bool {
    let Offer { plan, .. } = offer;
    plan.kind == PlanKind::Addon
        && (plan.addon_of.is_empty() || plan.addon_of.contains(&base.plan_code))
        && !addons.iter().any(|addon| addon.plan_code == plan.code)
}

fn head(offer: &Offer) -> Markup {
    html! {
        h3 { (offer.plan.name) }
        p.quiet { (offer.plan.description) }
        ul.prices { @for price in &offer.prices { li { (price_of(price)) } } }
    }
}

/// `$29.00 a month`, `$49.00 a seat and month`
fn price_of(price: &Price) -> Markup {
    let every = match price.interval_count {
        1 => price.interval.to_string(),
        count => format!("{count} {}s", price.interval),
    };
    let unit = if price.model.kind() == ModelKind::PerSeat { "seat and " } else { "" };
    html! {
        @match price.unit_amount() {
            Some(amount) if price.meter.is_none() => { strong { (show::money(amount)) } " a " (unit) (every) }
            _ => { "By what is used, each " (every) }
        }
    }
}

/// To the exact amount, for whoever has a plan; else to the page to pay on.
fn form(visitor: &Visitor, offer: &Offer, base: Option<&Subscription>) -> Markup {
    let code = &offer.plan.code;
    if !may_manage(visitor) || offer.prices.is_empty() {
        return html! {};
    }
    html! {
        @match base {
            Some(base) => form method="get" action="/pages/billing/plan/preview" {
                input type="hidden" name="plan" value=(code);
                (intervals(offer))
                (seats(offer, base.quantity))
                button.see-cost type="submit" aria-label={ "See what " (offer.plan.name) " costs" } { "See what it costs" }
            },
            None => form method="post" action="/pages/billing/checkout" {
                (csrf(visitor))
                input type="hidden" name="plan" value=(code);
                (intervals(offer))
                (currencies(offer))
                (seats(offer, 1))
                button.buy type="submit" aria-label={ "Buy " (offer.plan.name) } { "Buy" }
            },
        }
    }
}

fn intervals(offer: &Offer) -> Markup {
    let id = format!("interval-{}", offer.plan.code);
    let mut intervals: Vec<_> = offer.prices.iter().map(|price| price.interval.as_str()).collect();
    intervals.sort_unstable();
    intervals.dedup();
    html! {
        label for=(id) { "Paid each" }
        select id=(id) name="interval" { @for word in intervals { option value=(word) { (word) } } }
    }
}

fn currencies(offer: &Offer) -> Markup {
    let id = format!("currency-{}", offer.plan.code);
    let mut currencies: Vec<_> = offer.prices.iter().map(|price| price.currency).collect();
    currencies.dedup();
    currencies.sort_unstable_by_key(|currency| currency.code() != "usd");
    currencies.dedup();
    html! {
        label for=(id) { "In" }
        select id=(id) name="currency" {
            @for currency in currencies { option value=(currency) { (currency.code().to_uppercase()) } }
        }
    }
}

/// Only where each seat is paid.
fn seats(offer: &Offer, now: i64) -> Markup {
    let id = format!("seats-{}", offer.plan.code);
    html! {
        @if offer.prices.iter().any(|price| price.model.kind() == ModelKind::PerSeat) {
            label for=(id) { "Seats" }
            input id=(id) name="seats" type="number" min="1" max="1000000" value=(now) required;
        }
    }
}

fn add(visitor: &Visitor, offer: &Offer) -> Markup {
    html! {
        @if may_manage(visitor) {
            form method="post" action="/pages/billing/addons" {
                (csrf(visitor))
                input type="hidden" name="plan" value=(offer.plan.code);
                button.add type="submit" aria-label={ "Add " (offer.plan.name) } { "Add" }
            }
        }
    }
}

fn bought(visitor: &Visitor, addon: &Subscription) -> Markup {
    html! {
        div.card {
            h3 { (addon.plan_code.replace('_', " ")) " × " (addon.quantity) }
            p { (show::money(addon.money())) " each period" }
            @match addon.cancel_at {
                Some(at) => p.quiet { "Ends on " (show::day(at)) "." },
                None => @if may_manage(visitor) {
                    form method="post" action="/pages/billing/addons/end" {
                        (csrf(visitor))
                        input type="hidden" name="addon" value=(addon.id);
                        button.danger type="submit" aria-label={ "End " (addon.plan_code) } { "End with the period" }
                    }
                },
            }
        }
    }
}
