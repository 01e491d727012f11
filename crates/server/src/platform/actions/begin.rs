//! Beginning a plan on a tenant's behalf, with whatever there is to pay it with.

use tollhouse_domain::{
    checkout::CheckoutState,
    id::{CheckoutId, TenantId},
    money::Currency,
    plan::{Plan, PlanKind},
    price::Interval,
    refusal::Refusal,
};

use crate::{
    app::App,
    catalog::actions::get_current_plan,
    checkout::{
        actions::{self as checkout, Page, Payment, Purchase, Trial},
        queries::{self, Checkout},
    },
    error::{Error, Result},
    record::Origin,
    subscriptions::{offer::Wanted, queries as subscriptions},
    tenants::Opening,
};

/// What is to be begun.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The same at every attempt.
    pub purchase: CheckoutId,
    pub plan: String,
    /// None for a plan without a price.
    pub interval: Option<Interval>,
    pub currency: Option<Currency>,
}

impl Beginning {
    pub fn of(opening: Opening) -> Self {
        let Opening { purchase, plan, interval, currency } = opening;
        Self { purchase: CheckoutId::from_uuid(purchase), plan, interval, currency }
    }
}

/// Begins a plan, unless it has no price: with its trial, where the tenant has not had one; else with the card on file. Where that
/// is not to be had, by a page to pay on that leads back to the application. Repeating it finds the same.
///
/// # Errors
/// `Refused` by the rules, or what Stripe says.
pub async fn begin(app: &App, origin: &Origin, tenant: TenantId, wanted: &Beginning) -> Result<()> {
    let mut conn = app.db.read().await?;
    if queries::find(&mut conn, wanted.purchase).await?.is_some_and(|page| was_opened(&page)) {
        return Ok(());
    }
    let plan: Plan = get_current_plan(&mut conn, &wanted.plan).await?.definition.to()?;
    if plan.is_free() {
        return Ok(());
    }
    let trial_days = plan.trial_days.unwrap_or(app.config.billing.default_trial_days);
    let has_trial = trial_days > 0 && !subscriptions::has_had_trial(&mut conn, tenant).await?;
    drop(conn);
    let purchase = Purchase {
        id: wanted.purchase,
        tenant,
        wanted: Wanted::Plan {
            code: wanted.plan.clone(),
            interval: wanted.interval,
            currency: wanted.currency,
        },
        kind: Some(PlanKind::Base),
        quantity: 1,
        trial: if has_trial { Trial::OfPlan } else { Trial::None },
        addon_of: None,
        promotion_code: None,
    };
    let payment = Payment { card: None, auto_renew: true };
    match checkout::start(app, origin, purchase.clone(), payment).await {
        Err(
            Error::Refused(Refusal::NoPaymentMethod | Refusal::TaxLocationMissing)
            | Error::Declined { .. },
        ) => {
            let home = app.config.server.frontend_url.clone();
            let page = Page { success_url: home.clone(), cancel_url: home };
            checkout::open(app, origin, purchase, page).await?;
        }
        outcome => {
            outcome?;
        }
    }
    Ok(())
}

/// A page that Stripe has made, whatever became of it since.
fn was_opened(checkout: &Checkout) -> bool {
    checkout.stripe_session_id.is_some()
        && !matches!(checkout.state, CheckoutState::Preparing | CheckoutState::Interrupted)
}
