//! How the billing portal looks.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    checkout_view::rate,
    layout,
    portal::{ChangeForm, Portal},
};
use crate::{
    calendar, invoices::Invoice, money, payment_methods::PaymentMethod,
    subscriptions::Subscription, world::World,
};

/// All a customer can see and do; with a flow, the part it is about.
pub fn home(world: &World, portal: &Portal<'_>, alert: Option<&str>) -> String {
    let flow = portal.session.flow.as_ref().map(|flow| flow.kind);
    let shows = |kinds: &[&str]| flow.is_none_or(|flow| kinds.contains(&flow));
    layout(
        "Billing",
        &html! {
            @if let Some(url) = &portal.session.return_url { p { a.cancel href=(url) { "← Return" } } }
            h1 { "Billing" }
            @if let Some(message) = alert { p.alert role="alert" { (message) } }
            @if shows(&["subscription_cancel", "subscription_update"]) { (plans(world, portal)) }
            @if shows(&["payment_method_update"]) && portal.configuration.allows("payment_method_update") {
                (cards(world, portal))
            }
            @if shows(&[]) && portal.configuration.allows("invoice_history") { (invoices(world, portal)) }
        },
    )
}

fn plans(world: &World, portal: &Portal<'_>) -> Markup {
    let wanted = portal.session.flow.as_ref().and_then(|flow| flow.subscription.as_ref());
    let is_shown = |subscription: &&Subscription| {
        subscription.customer == portal.session.customer
            && !subscription.status.is_ended()
            && wanted.is_none_or(|id| *id == subscription.id)
    };
    let found: Vec<&Subscription> = world.subscriptions.rows().iter().filter(is_shown).collect();
    html! {
        section aria-labelledby="plan" {
            h2 #plan { "Your plan" }
            @if found.is_empty() { p { "There is no subscription." } }
            @for subscription in found { (plan(world, portal, subscription)) }
        }
    }
}

fn plan(world: &World, portal: &Portal<'_>, subscription: &Subscription) -> Markup {
    html! {
        @for (item, price) in subscription.prices(world) {
            p {
                strong { (product_name(world, &price.product)) }
                @if let Some(quantity) = item.quantity.filter(|quantity| *quantity != 1) { " × " (quantity) }
                ", " (rate(price))
            }
        }
        p {
            (subscription.status.word())
            @match subscription.cancel_at {
                Some(end) => { ", ends on " (calendar::day(end)) }
                None => { ", renews on " (calendar::day(subscription.period_end)) }
            }
        }
        @if portal.configuration.allows("subscription_update") { (offers(world, portal, subscription)) }
        @if portal.configuration.allows("subscription_cancel") {
            @if subscription.cancel_at.is_some() {
                (button(portal, "keep", "subscription", &subscription.id, "Keep the plan"))
            } @else {
                (button(portal, "cancel", "subscription", &subscription.id, "Cancel plan"))
            }
        }
    }
}

/// Other prices the configuration offers.
fn offers(world: &World, portal: &Portal<'_>, subscription: &Subscription) -> Markup {
    let products = &portal.configuration.features["subscription_update"]["products"];
    let prices = products.as_array().into_iter().flatten().flat_map(|product| {
        product["prices"].as_array().into_iter().flatten().filter_map(Value::as_str)
    });
    let is_sold = |id: &str| subscription.items.iter().any(|item| item.price == id);
    let offered = prices.filter(|id| !is_sold(id)).filter_map(|id| world.prices.find(id));
    html! {
        ul.lines {
            @for price in offered.filter(|price| price.active) {
                li {
                    a href={ "/p/session/" (portal.session.id) "?subscription=" (subscription.id) "&price=" (price.id) } {
                        "Change to " (product_name(world, &price.product))
                    }
                    ", " (rate(price))
                }
            }
        }
    }
}

/// What a change costs, before it is made.
pub fn confirmation(
    world: &World,
    portal: &Portal<'_>,
    form: &ChangeForm,
    invoice: &Value,
) -> String {
    let currency = invoice["currency"].as_str().unwrap_or_default();
    let amount = |value: &Value| money::show(value.as_i64().unwrap_or_default(), currency);
    let created = invoice["created"].as_i64().unwrap_or_default();
    layout(
        "Confirm the change",
        &html! {
            h1 { "Confirm the change" }
            table {
                tbody {
                    @for line in invoice["lines"]["data"].as_array().into_iter().flatten() {
                        tr { td { (line["description"].as_str().unwrap_or_default()) } td { (amount(&line["amount"])) } }
                    }
                }
                tfoot { tr { th scope="row" { "Total" } td { strong { (amount(&invoice["total"])) } } } }
            }
            p.amount {
                (amount(&invoice["amount_due"]))
                span { @if created <= world.now { " due today" } @else { " due on " (calendar::day(created)) } }
            }
            form method="post" action={ "/p/session/" (portal.session.id) } {
                input type="hidden" name="action" value="change";
                input type="hidden" name="subscription" value=(form.subscription);
                input type="hidden" name="price" value=(form.price);
                input type="hidden" name="proration_date" value=(form.proration_date);
                button #confirm type="submit" { "Confirm" }
            }
            p { a href={ "/p/session/" (portal.session.id) } { "Go back" } }
        },
    )
}

fn cards(world: &World, portal: &Portal<'_>) -> Markup {
    let customer = world.customers.find(&portal.session.customer);
    let default = customer.and_then(|customer| customer.default_payment_method.as_deref());
    let is_own =
        |method: &&PaymentMethod| method.customer.as_ref() == Some(&portal.session.customer);
    html! {
        section aria-labelledby="cards" {
            h2 #cards { "Cards" }
            @for method in world.payment_methods.rows().iter().filter(is_own) {
                p {
                    (method.card.brand) " …" (method.card.last4())
                    @if default == Some(&method.id) { " (default)" }
                }
                @if default != Some(&method.id) {
                    (button(portal, "default_card", "payment_method", &method.id, "Make default"))
                }
                (button(portal, "remove_card", "payment_method", &method.id, "Remove"))
            }
            form method="post" action={ "/p/session/" (portal.session.id) } {
                input type="hidden" name="action" value="add_card";
                @for (name, label, hint) in [
                    ("card_number", "Card number", "4242 4242 4242 4242"),
                    ("expiry", "Expires (MM / YY)", "12 / 34"),
                    ("cvc", "Security code", "123"),
                ] {
                    div.field {
                        label for=(name) { (label) }
                        input id=(name) name=(name) inputmode="numeric" placeholder=(hint) required;
                    }
                }
                button #add-card type="submit" { "Add card" }
            }
        }
    }
}

fn invoices(world: &World, portal: &Portal<'_>) -> Markup {
    let is_own = |invoice: &&Invoice| {
        invoice.customer == portal.session.customer && invoice.number.is_some()
    };
    html! {
        section aria-labelledby="invoices" {
            h2 #invoices { "Invoices" }
            table {
                tbody {
                    @for invoice in world.invoices.rows().iter().rev().filter(is_own) {
                        tr {
                            td { (calendar::day(invoice.created)) }
                            td { a href={ "/invoices/" (invoice.id) } { (invoice.number.as_deref().unwrap_or_default()) } }
                            td { (money::show(invoice.total(), &invoice.currency)) }
                            td { (invoice.status.word()) }
                            td { a href={ "/invoices/" (invoice.id) "/pdf" } { "PDF" } }
                        }
                    }
                }
            }
        }
    }
}

fn button(portal: &Portal<'_>, action: &str, field: &str, value: &str, label: &str) -> Markup {
    html! {
        form method="post" action={ "/p/session/" (portal.session.id) } {
            input type="hidden" name="action" value=(action);
            input type="hidden" name=(field) value=(value);
            button.quiet type="submit" { (label) }
        }
    }
}

fn product_name<'a>(world: &'a World, id: &str) -> &'a str {
    world.products.find(id).map_or("", |product| &product.name)
}
