//! Beginning an add-on anew on the dates of its base.

use anyhow::anyhow;
use tollhouse_stripe::{
    Error as StripeError, IdempotencyKey, SubscriptionId as StripeSubscriptionId,
    objects::{self, Subscription as StripeSubscription},
    params::{CreateSubscription, Enabled, LineItem, TrialEndBehavior, TrialSettings, UseDiscount},
};

use super::{
    addons::{self, Base, Way, find_base, terms_beside},
    follow::{end_now, metadata},
    granting::plan_of,
    reread,
};
use crate::{
    app::App,
    catalog::queries as catalog,
    error::{Error, Result},
    record::Origin,
    subscriptions::{offer::items_of, queries::Subscription, sync::sync},
};

/// In an add-on's metadata: Stripe's id of the add-on that it was begun instead of.
const REPLACES: &str = "replaces";
/// In an add-on's metadata: the end of the base's period that it was begun for, in unix seconds.
const ALIGNED_TO: &str = "aligned_to";

/// Begins the add-on anew, then ends the old one with a credit for the rest of its period. In this order,
/// so that whoever dies in between leaves the tenant with what it has bought.
///
/// # Errors
/// Where it was put on these dates before and still is on others: to do it again would only charge again.
pub(super) async fn realign(app: &App, origin: &Origin, addon: &Subscription) -> Result<()> {
    if let Some((base, items)) = find_replacement(app, addon).await? {
        let aligned_to = base.row.period_end.as_second().to_string();
        if metadata(addon)?.get(ALIGNED_TO) == Some(&aligned_to) {
            let error = anyhow!("add-on {} cannot be put on the dates of its base", addon.id);
            return Err(Error::Internal(error));
        }
        match begin_anew(app, &base, addon, items).await {
            Ok(started) => {
                sync(app, origin, &started).await?;
            }
            Err(StripeError::Declined { .. }) => {
                tracing::warn!(subscription.id = %addon.id, "an add-on could not be paid anew, and ends");
            }
            Err(error) => return Err(error.into()),
        }
    }
    end_now(app, &reread(app, addon).await?, true).await
}

/// What the add-on costs at the rhythm of its base; `None` where it is not sold so, or was begun anew
/// already.
async fn find_replacement(
    app: &App,
    addon: &Subscription,
) -> Result<Option<(Base, Vec<LineItem>)>> {
    let id = addon.stripe_subscription_id.as_str();
    for other in addons::list_addons(app, addon.tenant_id).await? {
        if metadata(&other)?.get(REPLACES).is_some_and(|replaced| replaced == id) {
            return Ok(None);
        }
    }
    let mut conn = app.db.read().await?;
    let plan = plan_of(&mut conn, addon).await?;
    let Some(base) = find_base(&mut conn, addon.tenant_id).await? else { return Ok(None) };
    let count = u32::try_from(base.price.interval_count).unwrap_or(1);
    let (interval, currency) = (base.price.interval, base.price.currency);
    let price = plan.find_price_like(interval, count, currency);
    let Some(price) = price.filter(|price| price.interval_count == count) else { return Ok(None) };
    let key = price.lookup_key(&plan.code, plan.version);
    let Some(price) = catalog::find_price(&mut conn, &key).await? else { return Ok(None) };
    let quantity = u64::try_from(addon.quantity).unwrap_or(1);
    let items = items_of(&mut conn, &price, quantity).await?;
    Ok(Some((base, items)))
}

async fn begin_anew(
    app: &App,
    base: &Base,
    addon: &Subscription,
    items: Vec<LineItem>,
) -> Result<StripeSubscriptionId, StripeError> {
    let unreadable = |error| StripeError::Unexpected { path: addon.id.to_string(), source: error };
    let stripe: StripeSubscription = addon.stripe_object.to().map_err(unreadable)?;
    let billing = &app.config.billing;
    let mut terms = terms_beside(base, Way::Call, app.clock.now());
    terms.default_tax_rates.clone_from(&billing.tax_rates);
    terms.metadata.insert(REPLACES.to_owned(), addon.stripe_subscription_id.to_string());
    terms.metadata.insert(ALIGNED_TO.to_owned(), base.row.period_end.as_second().to_string());
    terms.metadata.insert("tenant_id".to_owned(), addon.tenant_id.to_string());
    if terms.trial_end.is_some() {
        let missing_payment_method = billing.trial_end_without_card.as_str();
        let end_behavior = TrialEndBehavior { missing_payment_method };
        terms.trial_settings = Some(TrialSettings { end_behavior });
    }
    let params = CreateSubscription {
        customer: stripe.customer(),
        items,
        payment_behavior: "error_if_incomplete",
        default_payment_method: stripe.default_payment_method(),
        cancel_at_period_end: None,
        automatic_tax: billing.automatic_tax.then_some(Enabled { enabled: true }),
        off_session: Some(true),
        terms,
        discounts: discounts(&stripe),
        expand: Vec::new(),
    };
    // Of the period that it is put on: the same realignment is the same call.
    let id = format!("{}-{}", addon.id, base.row.period_end.as_second());
    let key = IdempotencyKey::of("realign-addon", id, &params);
    Ok(app.stripe.create_subscription(&params, &key).await?.id)
}

/// What is taken off goes on: the coupons of the discounts that are not over.
fn discounts(stripe: &StripeSubscription) -> Vec<UseDiscount> {
    let coupons = stripe.discounts().filter_map(objects::Discount::coupon);
    coupons.map(|coupon| UseDiscount::coupon(coupon.id.clone())).collect()
}
