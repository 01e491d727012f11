//! The cards that can be charged. They are read at Stripe, and added on a page of Stripe's.

use std::sync::Arc;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{Html, Redirect},
};
use maud::{Markup, html};
use tollhouse_domain::actor::Permission;
use tollhouse_stripe::{PaymentMethodId, objects::PaymentMethod};

use super::{absolute, may_manage, own};
use crate::{
    app::App,
    error::Result,
    http::Work,
    pages::{
        form::Form,
        frame::{Frame, csrf},
        visitor::Visitor,
    },
    payment_methods::actions,
    portal::actions::open,
};

const PLACE: &str = "/pages/billing/cards";

pub async fn list(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Html<String>> {
    let tenant = own(&app, &visitor, Permission::Read).await?;
    let cards = actions::list(&app, &tenant).await?;
    let manages = may_manage(&visitor);
    let content = html! {
        h1 { "Cards" }
        @if cards.all.is_empty() { p.quiet { "There is none yet." } }
        ul.cards {
            @for card in &cards.all {
                @let is_default = cards.default.as_ref() == Some(&card.id);
                li.card {
                    (face(card))
                    @if is_default { p.quiet { "This one is charged." } }
                    @if manages { (buttons(&visitor, card, is_default)) }
                }
            }
        }
        @if manages && tenant.stripe_customer_id.is_some() {
            form method="post" action="/pages/billing/portal" {
                (csrf(&visitor))
                button #portal type="submit" { "Add a card" }
                span.quiet { " On a page of Stripe's: we never see its number." }
            }
        }
    };
    Ok(Frame { visitor: &visitor, title: "Cards", place: PLACE, live: None }.page(&content))
}

fn face(method: &PaymentMethod) -> Markup {
    html! {
        @match &method.card {
            Some(card) => {
                h2 { (card.brand) " …" (card.last4) }
                p { "Good until " (card.exp_month) "/" (card.exp_year) }
            }
            None => h2 { (method.r#type.replace('_', " ")) },
        }
    }
}

fn buttons(visitor: &Visitor, method: &PaymentMethod, is_default: bool) -> Markup {
    let name = method.card.as_ref().map_or("", |card| card.last4.as_str());
    html! {
        div.ways {
            @if !is_default {
                form method="post" action="/pages/billing/cards/default" {
                    (csrf(visitor))
                    input type="hidden" name="card" value=(method.id);
                    button.quiet type="submit" aria-label={ "Charge the card …" (name) } { "Charge this one" }
                }
            }
            form method="post" action="/pages/billing/cards/remove" {
                (csrf(visitor))
                input type="hidden" name="card" value=(method.id);
                button.danger type="submit" aria-label={ "Remove the card …" (name) } { "Remove" }
            }
        }
    }
}

pub async fn make_default(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    work: Work,
    form: Form,
) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let card = PaymentMethodId::new(form.get("card")?);
    actions::make_default(&app, &visitor.caller.origin(), &tenant, &card, work.0).await?;
    Ok(Redirect::to(PLACE))
}

pub async fn remove(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    work: Work,
    form: Form,
) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let card = PaymentMethodId::new(form.get("card")?);
    actions::remove(&app, &visitor.caller.origin(), &tenant, &card, work.0).await?;
    Ok(Redirect::to(PLACE))
}

pub async fn portal(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
    work: Work,
) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let back = absolute(&app, &headers, PLACE);
    let session = open(&app, &visitor.caller.origin(), &tenant, back, work.0).await?;
    Ok(Redirect::to(&session.url))
}
