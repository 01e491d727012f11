//! Buying a plan or an add-on, on Stripe's page; ending an add-on.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Redirect};
use tollhouse_domain::{
    actor::Permission,
    checkout::CheckoutState,
    id::{CheckoutId, TenantId},
    plan::PlanKind,
};

use super::{HOME, absolute, own};
use crate::{
    app::App,
    checkout::actions::{Page, Purchase, Trial, open},
    error::{Conflict, Error, Result, invalid},
    http::Work,
    pages::{form::Form, visitor::Visitor},
    record::Origin,
    subscriptions::{
        actions::{At, addons::end_addon},
        offer::Wanted,
    },
};

const SEATS_MAX: u64 = 1_000_000;

/// A first plan.
pub async fn checkout(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
    work: Work,
    form: Form,
) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let wanted = Wanted::Plan {
        code: form.get("plan")?.to_owned(),
        interval: form.word("interval")?,
        currency: form.word("currency")?,
    };
    let trial = if form.find("trial").is_some() { Trial::OfPlan } else { Trial::None };
    let quantity = seats(&form)?.unwrap_or(1);
    let purchase =
        Purchase { quantity, trial, ..purchase(tenant.id, work, wanted, PlanKind::Base) };
    to_pay(&app, &visitor.caller.origin(), purchase, &headers).await
}

/// An add-on beside the plan.
pub async fn add(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
    work: Work,
    form: Form,
) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let code = form.get("plan")?.to_owned();
    let wanted = Wanted::Plan { code, interval: None, currency: None };
    let purchase = purchase(tenant.id, work, wanted, PlanKind::Addon);
    to_pay(&app, &visitor.caller.origin(), purchase, &headers).await
}

fn purchase(tenant: TenantId, work: Work, wanted: Wanted, kind: PlanKind) -> Purchase {
    Purchase {
        id: CheckoutId::from_uuid(work.0),
        tenant,
        wanted,
        kind: Some(kind),
        quantity: 1,
        trial: Trial::None,
        addon_of: None,
        promotion_code: None,
    }
}

/// To Stripe's page, from which one comes back to the account.
async fn to_pay(
    app: &App,
    origin: &Origin,
    purchase: Purchase,
    headers: &HeaderMap,
) -> Result<Redirect> {
    if app.config.stripe.secret_key.is_none() {
        return Err(Error::NotConfigured);
    }
    let page = Page {
        success_url: absolute(app, headers, HOME),
        cancel_url: absolute(app, headers, "/pages/billing/plan"),
    };
    let checkout = open(app, origin, purchase, page).await?;
    let over = || {
        let sentence = "The page to pay on is over: go back and press the button again.";
        Error::Conflict(Conflict::CheckoutOver, sentence.to_owned())
    };
    let url = checkout.url.filter(|_| checkout.state == CheckoutState::Open).ok_or_else(over)?;
    Ok(Redirect::to(&url))
}

pub async fn end(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    work: Work,
    form: Form,
) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let id = form.word("addon")?.ok_or_else(|| invalid("addon", "must be filled in"))?;
    let origin = visitor.caller.origin();
    end_addon(&app, &origin, (tenant.id, id), At::PeriodEnd, work.0).await?;
    Ok(Redirect::to(HOME))
}

/// How many seats were asked for, where any were.
pub fn seats(form: &Form) -> Result<Option<u64>> {
    let seats: Option<u64> = form.word("seats")?;
    match seats {
        Some(seats) if !(1..=SEATS_MAX).contains(&seats) => {
            Err(invalid("seats", "must be from 1 to 1000000"))
        }
        seats => Ok(seats),
    }
}
