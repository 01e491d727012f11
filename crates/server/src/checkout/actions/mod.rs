//! Buying: what is sold to whom, and that nobody buys it twice.
//!
//! On a page (`page.rs`), or by a call with a card on file (`direct.rs`). Both reserve the tenant first: one
//! purchase at a time is prepared for it, so that each finds what the one before it has left.

mod direct;
mod page;

use tollhouse_domain::{
    checkout::CheckoutState,
    id::{CheckoutId, SubscriptionId, TenantId},
    plan::PlanKind,
    refusal::Refusal,
    subscription::Status,
    time::Timestamp,
};
use tollhouse_stripe::{
    CheckoutSessionId, CustomerId, Error as StripeError, IdempotencyKey, PromotionCodeId,
    objects::CheckoutStatus,
    params::{SubscriptionTerms, TrialEndBehavior, TrialSettings, UseDiscount},
};

pub use direct::{Payment, Started, start};
pub use page::{Page, open};

use super::{
    queries::{self, Checkout},
    sync,
};
use crate::{
    app::App,
    discounts::actions::find_promotion_code,
    error::{Conflict, Error, Result, invalid, not_found},
    record::Origin,
    subscriptions::{
        self, CHECKOUT_ID,
        actions::addons::{self, Base, Way},
        offer::{Offer, Wanted, find_offer},
        queries::{self as subscription_queries, Subscription},
    },
    tenants::{actions as tenants, queries::Tenant},
};

/// What is to be bought, and by whom.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// The id of this work; a repeated request has the same.
    pub id: CheckoutId,
    pub tenant: TenantId,
    pub wanted: Wanted,
    /// A base plan or an add-on, where only one of them will do.
    pub kind: Option<PlanKind>,
    pub quantity: u64,
    pub trial: Trial,
    /// The base that an add-on is meant for; the tenant's, where absent.
    pub addon_of: Option<SubscriptionId>,
    /// As somebody typed it.
    pub promotion_code: Option<String>,
}

/// Whether it is to begin with a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    None,
    /// As long as the plan's.
    OfPlan,
    /// So many days, at most as many as the plan has.
    AtMostOfPlan(u32),
    /// So many days, as our staff has granted.
    Granted(u32),
}

/// A purchase that may be made.
struct Sale {
    tenant: Tenant,
    offer: Offer,
    /// What an add-on joins.
    base: Option<Base>,
    trial_days: Option<u32>,
    promotion_code: Option<PromotionCodeId>,
}

impl Sale {
    fn discounts(&self) -> Vec<UseDiscount> {
        self.promotion_code.clone().map(UseDiscount::redeem).into_iter().collect()
    }
}

/// # Errors
/// `Refused` by the rules: already subscribed, unknown plan, a second trial …
async fn find_sale(app: &App, purchase: &Purchase) -> Result<Sale> {
    let tenant = tenants::get_active(app, purchase.tenant).await?;
    let mut conn = app.db.read().await?;
    let base = addons::find_base(&mut conn, purchase.tenant).await?;
    let price = base.as_ref().map(|base| &base.price);
    let Purchase { wanted, kind, quantity, .. } = purchase;
    let offer = find_offer(&mut conn, wanted, *kind, price, *quantity).await?;
    let base = if offer.plan.kind == PlanKind::Addon {
        let base = base.ok_or(Refusal::NotSubscribed)?;
        if let Some(meant) = purchase.addon_of.filter(|id| *id != base.row.id) {
            return Err(not_found("base subscription", meant));
        }
        addons::refuse_misfit(&mut conn, &base, &offer).await?;
        Some(base)
    } else {
        refuse_second(base.as_ref().map(|base| &base.row))?;
        None
    };
    let trial_days = trial_days(app, purchase, &offer)?;
    if trial_days.is_some()
        && subscription_queries::has_had_trial(&mut conn, purchase.tenant).await?
    {
        return Err(Refusal::TrialAlreadyUsed.into());
    }
    drop(conn);
    let promotion_code = match &purchase.promotion_code {
        Some(code) => Some(find_promotion_code(app, &tenant, code).await?),
        None => None,
    };
    Ok(Sale { tenant, offer, base, trial_days, promotion_code })
}

/// One base subscription at a time.
fn refuse_second(live: Option<&Subscription>) -> Result<()> {
    match live.map(|row| row.status) {
        None => Ok(()),
        Some(Status::Incomplete) => Err(Refusal::FirstPaymentPending.into()),
        Some(_) => Err(Refusal::AlreadySubscribed.into()),
    }
}

fn trial_days(app: &App, purchase: &Purchase, offer: &Offer) -> Result<Option<u32>> {
    if purchase.trial != Trial::None && offer.plan.kind == PlanKind::Addon {
        return Err(invalid("trial", "is not an add-on's: it shares the trial of its base"));
    }
    let of_plan = offer.plan.trial_days.unwrap_or(app.config.billing.default_trial_days);
    let days = match purchase.trial {
        Trial::None => 0,
        Trial::OfPlan if of_plan == 0 => return Err(invalid("trial", "this plan has none")),
        Trial::OfPlan => of_plan,
        Trial::AtMostOfPlan(days) if days > of_plan => {
            return Err(invalid("trial_days", format!("must be at most the plan's: {of_plan}")));
        }
        Trial::AtMostOfPlan(days) | Trial::Granted(days) => days,
    };
    Ok((days > 0).then_some(days))
}

/// What the subscription begins with, whichever way it is bought.
///
/// `begun` is when the purchase was: what is repeated later begins with the same.
fn terms(
    app: &App,
    purchase: &Purchase,
    sale: &Sale,
    way: Way,
    begun: Timestamp,
) -> SubscriptionTerms {
    let mut terms = match &sale.base {
        Some(base) => addons::terms_beside(base, way, begun),
        None => SubscriptionTerms::default(),
    };
    terms.metadata.insert("tenant_id".to_owned(), purchase.tenant.to_string());
    terms.metadata.insert(CHECKOUT_ID.to_owned(), purchase.id.to_string());
    terms.default_tax_rates.clone_from(&app.config.billing.tax_rates);
    terms.trial_period_days = sale.trial_days;
    if terms.trial_period_days.is_some() || terms.trial_end.is_some() {
        let missing_payment_method = app.config.billing.trial_end_without_card.as_str();
        let end_behavior = TrialEndBehavior { missing_payment_method };
        terms.trial_settings = Some(TrialSettings { end_behavior });
    }
    terms
}

/// A process that prepares a purchase longer than this has died: no request runs so long.
const PREPARING_SECONDS_MAX: i64 = 600;

/// Writes our row before anything is asked of Stripe. What the same request has made before is answered.
///
/// One purchase at a time is prepared for a tenant (`checkouts_one_preparing`), so that each finds the one
/// before it: no two pages can be paid, and no page beside a card on file.
async fn reserve(app: &App, purchase: &Purchase, sale: &Sale) -> Result<Reserved> {
    let now = app.clock.now();
    let new = Checkout {
        id: purchase.id,
        tenant_id: purchase.tenant,
        price_lookup_key: sale.offer.price.lookup_key.clone(),
        quantity: i64::try_from(purchase.quantity).unwrap_or(i64::MAX),
        state: CheckoutState::Preparing,
        stripe_session_id: None,
        url: None,
        expires_at: None,
        created_at: now,
        updated_at: now,
    };
    let given_up = now.plus_seconds(-PREPARING_SECONDS_MAX);
    let mut tx = app.db.begin().await?;
    queries::interrupt_stale(&mut tx, purchase.tenant, given_up, now).await?;
    let mine = queries::insert(&mut tx, &new).await?
        || queries::prepare_again(&mut tx, purchase.id, now).await?;
    let known = queries::find(&mut tx, purchase.id).await?;
    tx.commit().await?;
    match known {
        Some(known) if mine => Ok(Reserved::Mine { begun: known.created_at }),
        Some(known) if known.state != CheckoutState::Preparing => Ok(Reserved::Known(known)),
        _ => Err(in_progress()),
    }
}

/// What became of a reservation.
enum Reserved {
    /// To be prepared now; begun then, at the first attempt.
    Mine { begun: Timestamp },
    /// Made before by the same request.
    Known(Checkout),
}

fn in_progress() -> Error {
    let sentence = "Another purchase is being prepared for this tenant at this moment: try again.";
    Error::Conflict(Conflict::CheckoutInProgress, sentence.to_owned())
}

/// The last look before something is bought: a request that was very slow may have been given up, and
/// another one may be preparing a purchase now.
async fn hold(app: &App, id: CheckoutId) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let held = queries::hold(&mut tx, id, app.clock.now()).await?;
    tx.commit().await?;
    if held { Ok(()) } else { Err(in_progress()) }
}

/// Gives a purchase up for now; the same request may go on with it.
async fn interrupt(app: &App, id: CheckoutId) -> Result<()> {
    let mut tx = app.db.begin().await?;
    queries::interrupt(&mut tx, id, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// The customer, once everything the tenant has bought elsewhere is known and every other page is closed.
/// Afterwards the sale is looked at again: one of them may have been paid meanwhile.
async fn clear_the_way(
    app: &App,
    origin: &Origin,
    purchase: &Purchase,
    tenant: &Tenant,
) -> Result<CustomerId> {
    let customer = tenants::ensure_customer(app, origin, tenant).await?;
    close_other_pages(app, origin, tenant.id, &customer, Some(purchase.id)).await?;
    take_in_purchases(app, origin, &customer).await?;
    Ok(customer)
}

/// Closes every page of a tenant, and takes in what it has bought elsewhere.
pub async fn close_all(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    customer: &CustomerId,
) -> Result<()> {
    close_other_pages(app, origin, tenant, customer, None).await?;
    take_in_purchases(app, origin, customer).await
}

/// Takes in subscriptions of ours that only Stripe knows: whoever asked for them died before the answer.
async fn take_in_purchases(app: &App, origin: &Origin, customer: &CustomerId) -> Result<()> {
    for subscription in app.stripe.list_subscriptions(customer).await?.data {
        if !subscription.metadata.contains_key(CHECKOUT_ID) {
            continue;
        }
        let mut conn = app.db.read().await?;
        let known = subscription_queries::version(&mut conn, &subscription.id).await?;
        drop(conn);
        if known.is_none() {
            subscriptions::sync::sync(app, origin, &subscription.id).await?;
        }
    }
    Ok(())
}

/// Closes the tenant's pages at Stripe, all but one. One that was paid meanwhile is taken in instead.
///
/// First those we know to be open, then those that only Stripe knows: a process that died between
/// Stripe's answer and our write has left such a page behind.
pub async fn close_other_pages(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    customer: &CustomerId,
    but: Option<CheckoutId>,
) -> Result<()> {
    let mut conn = app.db.read().await?;
    let ours = queries::other_open(&mut conn, tenant, but).await?;
    drop(conn);
    for checkout in ours {
        if let Some(session) = checkout.stripe_session_id {
            close_page(app, origin, checkout.id, &session).await?;
        }
    }
    for session in app.stripe.list_open_checkout_sessions(customer).await?.data {
        let id = session.metadata.get(CHECKOUT_ID).and_then(|id| id.parse::<CheckoutId>().ok());
        if let Some(id) = id.filter(|id| Some(*id) != but) {
            close_page(app, origin, id, &session.id).await?;
        }
    }
    Ok(())
}

async fn close_page(
    app: &App,
    origin: &Origin,
    id: CheckoutId,
    session: &CheckoutSessionId,
) -> Result<()> {
    // Closing a page twice does no harm; a refusal that is kept for a day would.
    let key = IdempotencyKey::new("expire-checkout", app.clock.new_id());
    match app.stripe.expire_checkout_session(session, &key).await {
        Ok(_) => {}
        // Not open any more? Being paid at this moment, it is neither.
        Err(StripeError::Invalid { .. }) => {
            let found = app.stripe.retrieve_checkout_session(session).await?.object;
            if found.status == Some(CheckoutStatus::Open) {
                return Err(in_progress());
            }
        }
        Err(StripeError::Missing(_)) => return sync::gone(app, origin, id).await,
        Err(error) => return Err(error.into()),
    }
    Box::pin(sync::sync(app, origin, session)).await?;
    Ok(())
}
