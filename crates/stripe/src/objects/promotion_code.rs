//! Promotion codes: the words by which people redeem a coupon.

use serde::Deserialize;

use super::{Coupon, Expandable, Ref};
use crate::id::{CouponId, CustomerId, PromotionCodeId};

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PromotionCode {
    pub id: PromotionCodeId,
    /// Large and small letters are the same.
    pub code: String,
    /// Whether it and its coupon can still be redeemed.
    #[serde(default)]
    pub active: bool,
    promotion: Promotion,
    /// The only customer who may redeem it.
    #[serde(default)]
    pub customer: Option<Ref<CustomerId>>,
    /// Times are unix seconds.
    #[serde(default)]
    pub expires_at: Option<i64>,
    pub created: i64,
    #[serde(default)]
    pub max_redemptions: Option<i64>,
    #[serde(default)]
    pub times_redeemed: i64,
    #[serde(default)]
    restrictions: Option<Restrictions>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Promotion {
    #[serde(default)]
    coupon: Option<Expandable<Coupon>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Restrictions {
    #[serde(default)]
    first_time_transaction: bool,
}

impl PromotionCode {
    /// The id of its coupon.
    pub fn coupon_id(&self) -> Option<CouponId> {
        Some(match self.promotion.coupon.as_ref()? {
            Expandable::Id(id) => CouponId::new(id),
            Expandable::Object(coupon) => coupon.id.clone(),
        })
    }

    /// Its coupon, where Stripe was asked for it.
    pub fn coupon(&self) -> Option<&Coupon> {
        self.promotion.coupon.as_ref()?.object()
    }

    /// Whether it is only for customers who have paid nothing yet.
    pub fn is_for_first_payments(&self) -> bool {
        self.restrictions.as_ref().is_some_and(|restrictions| restrictions.first_time_transaction)
    }
}
