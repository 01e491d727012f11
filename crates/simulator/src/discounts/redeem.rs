//! Redeeming: from the `discounts` of a request to discounts on a subscription.

use serde_json::Value;

use super::{Discount, coupons::Duration};
use crate::{
    calendar::{self, Cadence, Interval},
    error::{Error, Result},
    invoices::Invoice,
    params::Params,
    subscriptions::{self, Subscription},
    table::Object,
    world::{Request, World},
};

/// A coupon somebody wants to redeem, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    pub coupon: String,
    pub promotion_code: Option<String>,
    /// The discount that is there already.
    pub kept: Option<Discount>,
}

impl Redemption {
    /// Of a discount that is there, and stays.
    pub fn keep(discount: &Discount) -> Self {
        Self {
            coupon: discount.coupon.clone(),
            promotion_code: discount.promotion_code.clone(),
            kept: Some(discount.clone()),
        }
    }
}

/// The `discounts` of a request by `customer` (none: a new one); none where it says nothing of them.
///
/// # Errors
/// A coupon or code that is unknown, used up, over, or not for this customer.
pub fn read(
    world: &World,
    params: &Params<'_>,
    customer: Option<&str>,
) -> Result<Option<Vec<Redemption>>> {
    if !params.has("discounts") {
        return Ok(None);
    }
    let mut redemptions = Vec::new();
    for entry in params.objects("discounts")? {
        entry.only(&["coupon", "discount", "promotion_code"], &["discount_end"])?;
        redemptions.push(read_entry(world, &entry, customer)?);
    }
    Ok(Some(redemptions))
}

fn read_entry(world: &World, entry: &Params<'_>, customer: Option<&str>) -> Result<Redemption> {
    if let Some(id) = entry.text("discount")? {
        return Ok(Redemption::keep(world.discounts.get(id, &entry.name("discount"))?));
    }
    if let Some(id) = entry.text("promotion_code")? {
        let name = entry.name("promotion_code");
        let code = world.promotion_codes.get(id, &name)?;
        code.check(world, customer, &name)?;
        return Ok(Redemption {
            coupon: code.coupon.clone(),
            promotion_code: Some(code.id.clone()),
            kept: None,
        });
    }
    let coupon = world.coupons.get(entry.required_text("coupon")?, &entry.name("coupon"))?;
    if !coupon.is_valid(world.now) {
        return Err(Error::invalid(format!("Coupon expired: {}", coupon.id))
            .code("coupon_expired")
            .param(&entry.name("coupon")));
    }
    Ok(Redemption { coupon: coupon.id.clone(), promotion_code: None, kept: None })
}

/// The discount as it would begin now, not kept.
pub fn redeem(world: &World, redemption: &Redemption, subscription: &Subscription) -> Discount {
    if let Some(kept) = &redemption.kept {
        return kept.clone();
    }
    let duration = world.coupons.find(&redemption.coupon).map(|coupon| coupon.duration);
    let end = match duration {
        Some(Duration::Months(months)) => {
            let month = Cadence { interval: Interval::Month, count: 1 };
            Some(calendar::period_start(world.now, month, months))
        }
        _ => None,
    };
    Discount {
        id: "di_upcoming".to_owned(),
        coupon: redemption.coupon.clone(),
        promotion_code: redemption.promotion_code.clone(),
        customer: subscription.customer.clone(),
        subscription: subscription.id.clone(),
        checkout_session: None,
        start: world.now,
        end,
    }
}

/// Keeps the discounts of a subscription that are new, and counts their coupons as redeemed.
pub fn settle(world: &mut World, subscription: &mut Subscription) {
    for discount in &mut subscription.discounts {
        if world.discounts.find(&discount.id).is_some() {
            continue;
        }
        discount.id = world.ids.id("di_");
        discount.subscription.clone_from(&subscription.id);
        world.discounts.put(discount.clone());
        world.coupons.change(&discount.coupon, |coupon| coupon.times_redeemed += 1);
        if let Some(code) = &discount.promotion_code {
            world.promotion_codes.change(code, |code| code.times_redeemed += 1);
        }
    }
}

impl Subscription {
    /// Drops the discounts that this invoice has used up: those that count once, and those whose
    /// time is over.
    pub fn spend_discounts(&mut self, world: &World, invoice: &Invoice) {
        let lasts = |discount: &Discount| {
            let coupon = world.coupons.find(&discount.coupon);
            let once = coupon.is_some_and(|coupon| coupon.duration == Duration::Once);
            let used = invoice.discounts().iter().any(|(id, _)| *id == discount.id);
            !(once && used) && discount.runs_at(world.now)
        };
        self.discounts.retain(lasts);
    }
}

/// `DELETE /v1/subscriptions/{id}/discount`: the one that came last.
pub fn remove_from_subscription(world: &mut World, request: &Request) -> Result<Value> {
    let subscription = world.subscriptions.get(&request.id, "id")?;
    let Some(discount) = subscription.discounts.last().cloned() else {
        return Err(
            Error::not_found("No active discount for subscription").code("resource_missing")
        );
    };
    let mut shown = discount.render(world);
    subscriptions::change(world, &request.id, |stored| {
        stored.discounts.pop();
    });
    shown["deleted"] = Value::Bool(true);
    if let Value::Object(fields) = &mut shown {
        fields.remove("end");
    }
    Ok(shown)
}
