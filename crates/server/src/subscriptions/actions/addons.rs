//! Add-ons: what may join a base subscription, and on which dates.

use tollhouse_domain::{
    id::{SubscriptionId, TenantId},
    period::{Calendar, Period},
    plan::{Plan, PlanKind},
    price::Interval,
    refusal::Refusal,
    subscription::Status,
    time::Timestamp,
};
use tollhouse_stripe::params::{AnchorConfig, SubscriptionTerms};

use super::{At, Cancel, cancel::refuse_without_period, end};
use crate::{
    app::App,
    catalog::queries::{self as catalog, PriceRow},
    db::Conn,
    error::{Conflict, Error, Result, not_found},
    record::Origin,
    subscriptions::{
        PARENT_ID,
        offer::Offer,
        queries::{self, Subscription},
    },
};

/// Checkout's page refuses a trial that ends sooner.
const TRIAL_NOTICE_SECONDS: i64 = 48 * 3600;

/// A base subscription, and the price it is billed by.
pub struct Base {
    pub row: Subscription,
    pub price: PriceRow,
}

/// The base subscription that a tenant has, with its price.
pub async fn find_base(conn: &mut Conn, tenant: TenantId) -> Result<Option<Base>> {
    let Some(row) = queries::find_live_base(conn, tenant).await? else { return Ok(None) };
    let price = catalog::find_price(conn, &row.price_lookup_key).await?;
    let price = price.ok_or_else(|| not_found("price", &row.price_lookup_key))?;
    Ok(Some(Base { row, price }))
}

/// # Errors
/// Where this add-on may not join this base now.
pub async fn refuse_misfit(conn: &mut Conn, base: &Base, offer: &Offer) -> Result<()> {
    if !matches!(base.row.status, Status::Active | Status::Trialing) {
        let sentence = format!(
            "The base subscription is `{}`: add-ons can be bought while it is `active` or `trialing`.",
            base.row.status
        );
        return Err(Error::Conflict(Conflict::SubscriptionState, sentence));
    }
    if !may_join(&offer.plan, &base.row.plan_code) {
        return Err(Refusal::AddonDoesNotFit.into());
    }
    let rhythm = |price: &PriceRow| (price.interval, price.interval_count, price.currency);
    if rhythm(&offer.price) != rhythm(&base.price) {
        return Err(Refusal::PlanNotSold.into());
    }
    let addons = queries::list_live_addons(conn, base.row.tenant_id).await?;
    if addons.iter().any(|addon| addon.plan_code == offer.plan.code) {
        return Err(Refusal::AddonAlreadyBought.into());
    }
    Ok(())
}

/// Whether an add-on may be beside a base plan.
pub(super) fn may_join(addon: &Plan, base: &str) -> bool {
    addon.addon_of.is_empty() || addon.addon_of.iter().any(|code| code == base)
}

/// How a sale reaches Stripe: a page cannot begin everything that a call can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Page,
    Call,
}

/// What puts a new add-on on the dates of its base: the first period is the part that is left of the
/// base's. A trial is shared.
///
/// `now` decides whether a page can still begin the trial.
pub fn terms_beside(base: &Base, way: Way, now: Timestamp) -> SubscriptionTerms {
    let metadata = [(PARENT_ID.to_owned(), base.row.id.to_string())].into();
    let mut terms = SubscriptionTerms { metadata, ..SubscriptionTerms::default() };
    let earliest = now.plus_seconds(match way {
        Way::Page => TRIAL_NOTICE_SECONDS + 3600,
        Way::Call => 0,
    });
    let trial_end = base.row.trial_end.filter(|_| base.row.status == Status::Trialing);
    if let Some(end) = trial_end.filter(|end| *end > earliest) {
        terms.trial_end = Some(end.as_second());
        return terms;
    }
    let period = Period { start: base.row.period_start, end: base.row.period_end };
    let count = u32::try_from(base.price.interval_count).unwrap_or(u32::MAX);
    let calendar = Calendar::of(period, base.price.interval, count);
    match (base.price.interval, count) {
        (Interval::Month | Interval::Year, 1) => {
            terms.billing_cycle_anchor_config = Some(AnchorConfig {
                month: (base.price.interval == Interval::Year).then_some(calendar.month),
                day_of_month: calendar.day,
                hour: calendar.hour,
                minute: calendar.minute,
                second: calendar.second,
            });
        }
        _ => terms.billing_cycle_anchor = Some(base.row.period_end.as_second()),
    }
    terms
}

/// The tenant's add-ons that are not over.
pub async fn list_addons(app: &App, tenant: TenantId) -> Result<Vec<Subscription>> {
    let mut conn = app.db.read().await?;
    Ok(queries::list_live_addons(&mut conn, tenant).await?)
}

/// Ends one add-on; its base goes on.
///
/// # Errors
/// `NotFound` where the tenant has no such add-on, or it is over.
pub async fn end_addon(
    app: &App,
    origin: &Origin,
    (tenant, id): (TenantId, SubscriptionId),
    at: At,
    work: uuid::Uuid,
) -> Result<Subscription> {
    let mut conn = app.db.read().await?;
    let row = queries::find(&mut conn, id).await?.filter(|row| {
        row.tenant_id == tenant && row.kind == PlanKind::Addon && row.status.is_live()
    });
    let row = row.ok_or_else(|| not_found("add-on", id))?;
    drop(conn);
    if at == At::PeriodEnd {
        refuse_without_period(&row)?;
    }
    end(app, origin, row, work, Cancel { at, reason: None, comment: None }).await
}
