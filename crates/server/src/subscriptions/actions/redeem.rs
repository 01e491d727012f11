//! A promotion code redeemed by a subscription that has begun.

use tollhouse_stripe::{PromotionCodeId, objects, params::UseDiscount};

use super::Change;
use crate::{
    app::App, discounts::actions::find_promotion_code, error::Result,
    subscriptions::queries::Subscription, tenants::actions as tenants,
};

/// The code that is to be redeemed with a change. One that is at work on the subscription already takes
/// nothing more off: Stripe applies a coupon once.
pub(super) async fn find_code(
    app: &App,
    row: &Subscription,
    wanted: &Change,
) -> Result<Option<PromotionCodeId>> {
    let Some(code) = &wanted.promotion_code else { return Ok(None) };
    let stripe: objects::Subscription = row.stripe_object.to()?;
    let mut redeemed = stripe.discounts().filter_map(objects::Discount::promotion_code);
    if redeemed.any(|known| known.code.eq_ignore_ascii_case(code)) {
        return Ok(None);
    }
    let tenant = tenants::get(app, row.tenant_id).await?;
    Ok(Some(find_promotion_code(app, &tenant, code).await?))
}

/// The discounts of a subscription with one more: Stripe ends those that are not named. Empty, which leaves
/// them as they are, where there is no code.
pub(super) fn discounts(
    row: &Subscription,
    code: Option<&PromotionCodeId>,
) -> Result<Vec<UseDiscount>> {
    let Some(code) = code else { return Ok(Vec::new()) };
    let stripe: objects::Subscription = row.stripe_object.to()?;
    let mut discounts: Vec<UseDiscount> = stripe.discount_ids().map(UseDiscount::keep).collect();
    discounts.push(UseDiscount::redeem(code.clone()));
    Ok(discounts)
}
