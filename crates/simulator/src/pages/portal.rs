//! The billing portal a customer clicks: cards, plan, end, invoices.

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::Value;
use tollhouse_stripe::form;

use super::{as_request, checkout::read_expiry, not_found, page, portal_view as view};
use crate::{
    Simulator,
    cards::{Outcome, Presence},
    customers,
    error::{Error, Result},
    invoices, payment_methods,
    portal::{Configuration, PortalSession},
    subscriptions::{self, Subscription},
    world::{Request, World},
};

pub fn router() -> Router<Simulator> {
    Router::new().route("/p/session/{session}", get(show).post(act))
}

/// A change of plan that is shown before it is made.
#[derive(Default, Deserialize)]
pub struct Proposal {
    subscription: Option<String>,
    price: Option<String>,
}

/// Everything the page needs to know of a session.
pub struct Portal<'a> {
    pub session: &'a PortalSession,
    pub configuration: &'a Configuration,
}

async fn show(
    State(simulator): State<Simulator>,
    Path(id): Path<String>,
    Query(proposal): Query<Proposal>,
) -> Response {
    simulator.with(|world| respond(world, &id, &proposal, None))
}

fn respond(world: &mut World, id: &str, proposal: &Proposal, alert: Option<&str>) -> Response {
    let Some(session) = world.portal_sessions.find(id).cloned() else {
        return not_found("portal session");
    };
    let Some(configuration) = world.portal_configurations.find(&session.configuration).cloned()
    else {
        return not_found("portal configuration");
    };
    let portal = Portal { session: &session, configuration: &configuration };
    if let (Some(subscription), Some(price)) = (&proposal.subscription, &proposal.price) {
        let shown = world.at_time_of(Some(&session.customer), |world| {
            preview(world, &portal, subscription, price)
        });
        return match shown {
            Ok((form, invoice)) => {
                page(StatusCode::OK, view::confirmation(world, &portal, &form, &invoice))
            }
            Err(error) => page(StatusCode::OK, view::home(world, &portal, Some(error.message()))),
        };
    }
    page(StatusCode::OK, view::home(world, &portal, alert))
}

/// What the button that confirms a change sends.
pub struct ChangeForm {
    pub subscription: String,
    pub price: String,
    pub proration_date: i64,
}

/// The invoice a change of plan would bring, before it is made.
fn preview(
    world: &mut World,
    portal: &Portal<'_>,
    subscription: &str,
    price: &str,
) -> Result<(ChangeForm, Value)> {
    let found = own(world, portal, subscription)?.clone();
    let details = change_of_plan(&found, portal, price, world.now)?;
    let pairs = details.into_iter().map(|(name, value)| match name.split_once('[') {
        Some((front, rest)) => (format!("subscription_details[{front}][{rest}"), value),
        None => (format!("subscription_details[{name}]"), value),
    });
    let pairs = pairs.chain([("subscription".to_owned(), found.id.clone())]);
    let invoice = invoices::create_preview(world, &Request::of("", pairs))?;
    let form =
        ChangeForm { subscription: found.id, price: price.to_owned(), proration_date: world.now };
    Ok((form, invoice))
}

fn change_of_plan(
    subscription: &Subscription,
    portal: &Portal<'_>,
    price: &str,
    proration_date: i64,
) -> Result<Vec<(String, String)>> {
    let update = &portal.configuration.features["subscription_update"];
    if !portal.configuration.allows("subscription_update") {
        return Err(Error::invalid("This portal does not let you change your plan."));
    }
    let Some(item) = subscription.items.first() else {
        return Err(Error::invalid("This subscription has nothing that could be changed."));
    };
    let mut pairs = vec![
        ("items[0][id]".to_owned(), item.id.clone()),
        ("items[0][price]".to_owned(), price.to_owned()),
        (
            "proration_behavior".to_owned(),
            update["proration_behavior"].as_str().unwrap_or("none").to_owned(),
        ),
        ("proration_date".to_owned(), proration_date.to_string()),
    ];
    if let Some(quantity) = item.quantity {
        pairs.push(("items[0][quantity]".to_owned(), quantity.to_string()));
    }
    Ok(pairs)
}

/// # Errors
/// The subscription is not one of the session's customer.
fn own<'a>(world: &'a World, portal: &Portal<'_>, id: &str) -> Result<&'a Subscription> {
    let found = world.subscriptions.get(id, "subscription")?;
    if found.customer == portal.session.customer {
        return Ok(found);
    }
    Err(Error::no_such("subscription", id, "subscription"))
}

async fn act(State(simulator): State<Simulator>, Path(id): Path<String>, body: String) -> Response {
    let fields = form::decode(&body);
    simulator.with(|world| {
        let Some(session) = world.portal_sessions.find(&id).cloned() else {
            return not_found("portal session");
        };
        let Some(configuration) = world.portal_configurations.find(&session.configuration).cloned()
        else {
            return not_found("portal configuration");
        };
        let portal = Portal { session: &session, configuration: &configuration };
        match as_request(world, Some(&session.customer), |world| perform(world, &portal, &fields)) {
            Ok(()) => {
                let redirect = session.flow.as_ref().and_then(|flow| flow.redirect.clone());
                let url = redirect.unwrap_or_else(|| format!("/p/session/{id}"));
                (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response()
            }
            Err(error) => respond(world, &id, &Proposal::default(), Some(error.message())),
        }
    })
}

fn perform(world: &mut World, portal: &Portal<'_>, fields: &[(String, String)]) -> Result<()> {
    let field = |name: &str| {
        let found = fields.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    match field("action") {
        "add_card" => {
            allow(portal, "payment_method_update")?;
            add_card(world, portal, [field("card_number"), field("expiry"), field("cvc")])
        }
        "default_card" => {
            allow(portal, "payment_method_update")?;
            set_default(world, portal, field("payment_method"))
        }
        "remove_card" => {
            allow(portal, "payment_method_update")?;
            remove_card(world, portal, field("payment_method"))
        }
        "cancel" => {
            allow(portal, "subscription_cancel")?;
            cancel(world, portal, field("subscription"))
        }
        "keep" => {
            allow(portal, "subscription_cancel")?;
            let id = own(world, portal, field("subscription"))?.id.clone();
            change(world, &id, vec![("cancel_at".to_owned(), String::new())])
        }
        "change" => {
            let found = own(world, portal, field("subscription"))?.clone();
            let date = field("proration_date").parse().unwrap_or(world.now);
            let mut pairs = change_of_plan(&found, portal, field("price"), date)?;
            pairs.push(("payment_behavior".to_owned(), "error_if_incomplete".to_owned()));
            change(world, &found.id, pairs)
        }
        _ => Err(Error::invalid("This portal does not know what to do. Go back and try again.")),
    }
}

fn allow(portal: &Portal<'_>, feature: &str) -> Result<()> {
    if portal.configuration.allows(feature) {
        return Ok(());
    }
    Err(Error::invalid("This portal does not offer that."))
}

fn change(world: &mut World, id: &str, pairs: Vec<(String, String)>) -> Result<()> {
    subscriptions::update(world, &Request::of(id, pairs)).map(|_| ())
}

/// At the end of the period, by `cancel_at` as Stripe's portal does in flexible billing mode; or now.
fn cancel(world: &mut World, portal: &Portal<'_>, id: &str) -> Result<()> {
    let found = own(world, portal, id)?;
    let cancel = &portal.configuration.features["subscription_cancel"];
    let id = found.id.clone();
    if cancel["mode"] == "at_period_end" {
        let end = found.period_end.to_string();
        return change(world, &id, vec![("cancel_at".to_owned(), end)]);
    }
    let behavior = &cancel["proration_behavior"];
    let pairs = [
        ("prorate".to_owned(), (behavior != "none").to_string()),
        ("invoice_now".to_owned(), (behavior == "always_invoice").to_string()),
    ];
    subscriptions::cancel(world, &Request::of(&id, pairs)).map(|_| ())
}

/// A card typed into the portal is authenticated there, where its bank wants that.
fn add_card(world: &mut World, portal: &Portal<'_>, typed: [&str; 3]) -> Result<()> {
    let [number, expiry, cvc] = typed;
    let mut method =
        payment_methods::from_number(world, number, read_expiry(expiry), Some(cvc.trim()))?;
    if let Outcome::Declined(decline) = method.card.save(Presence::Authenticated) {
        return Err(Error::card(decline));
    }
    method.customer = Some(portal.session.customer.clone());
    method.authenticated = true;
    let id = payment_methods::announce_attached(world, method);
    set_default(world, portal, &id)
}

fn set_default(world: &mut World, portal: &Portal<'_>, method: &str) -> Result<()> {
    let pairs = [("invoice_settings[default_payment_method]".to_owned(), method.to_owned())];
    customers::update(world, &Request::of(&portal.session.customer, pairs)).map(|_| ())
}

fn remove_card(world: &mut World, portal: &Portal<'_>, method: &str) -> Result<()> {
    payment_methods::of_customer(world, method, &portal.session.customer, "payment_method")?;
    payment_methods::detach(world, &Request::of(method, [])).map(|_| ())
}
