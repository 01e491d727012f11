//! Discounts: coupons at work on a subscription, until their time is over.

use serde::Deserialize;

use super::{Coupon, Expandable, PromotionCode};
use crate::id::DiscountId;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Discount {
    pub id: DiscountId,
    source: Source,
    #[serde(default)]
    promotion_code: Option<Expandable<PromotionCode>>,
    /// Unix seconds; none for one that ends with its first invoice, and for one that never ends.
    #[serde(default)]
    pub end: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Source {
    #[serde(default)]
    coupon: Option<Expandable<Coupon>>,
}

impl Discount {
    /// What is taken off, where Stripe was asked for it.
    pub fn coupon(&self) -> Option<&Coupon> {
        self.source.coupon.as_ref()?.object()
    }

    /// The code it was redeemed by, where it was by one and Stripe was asked for it.
    pub fn promotion_code(&self) -> Option<&PromotionCode> {
        self.promotion_code.as_ref()?.object()
    }
}
