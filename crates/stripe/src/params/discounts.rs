//! Coupons, promotion codes, and redeeming them.

use serde::Serialize;

use crate::{
    id::{CouponId, CustomerId, DiscountId, ProductId, PromotionCodeId},
    objects::Metadata,
};

#[derive(Clone, Debug, Serialize)]
pub struct CreateCoupon {
    /// Of our choice; of Stripe's where absent.
    pub id: Option<CouponId>,
    pub name: Option<String>,
    /// Of a hundred, as decimal digits.
    pub percent_off: Option<String>,
    /// Minor units; with `currency`.
    pub amount_off: Option<i64>,
    pub currency: Option<String>,
    /// `once`, `repeating` or `forever`.
    pub duration: &'static str,
    pub duration_in_months: Option<u32>,
    pub max_redemptions: Option<u32>,
    /// Unix seconds.
    pub redeem_by: Option<i64>,
    /// Everything, where absent.
    pub applies_to: Option<AppliesTo>,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Serialize)]
pub struct AppliesTo {
    pub products: Vec<ProductId>,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreatePromotionCode {
    pub promotion: Promotion,
    /// What people type; of Stripe's choice where absent.
    pub code: Option<String>,
    /// The only customer who may redeem it.
    pub customer: Option<CustomerId>,
    /// Unix seconds.
    pub expires_at: Option<i64>,
    pub max_redemptions: Option<u32>,
    pub restrictions: Restrictions,
}

#[derive(Clone, Debug, Serialize)]
pub struct Promotion {
    /// `coupon`
    pub r#type: &'static str,
    pub coupon: CouponId,
}

#[derive(Clone, Debug, Serialize)]
pub struct Restrictions {
    /// Only for customers who have paid nothing yet.
    pub first_time_transaction: Option<bool>,
}

#[derive(Clone, Debug, Serialize)]
pub struct UpdatePromotionCode {
    pub active: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListPromotionCodes {
    pub code: String,
    pub limit: u32,
}

/// One entry of `discounts`: a code that is redeemed, or a discount that stays. Where `discounts` is sent
/// at all, what is not in it ends.
#[derive(Clone, Debug, Serialize)]
pub struct UseDiscount {
    pub promotion_code: Option<PromotionCodeId>,
    pub discount: Option<DiscountId>,
    pub coupon: Option<CouponId>,
}

impl UseDiscount {
    /// Redeems a code.
    pub fn redeem(code: PromotionCodeId) -> Self {
        Self { promotion_code: Some(code), discount: None, coupon: None }
    }

    /// Keeps a discount that is there.
    pub fn keep(discount: DiscountId) -> Self {
        Self { promotion_code: None, discount: Some(discount), coupon: None }
    }

    /// Takes off what a coupon says, without a code.
    pub fn coupon(coupon: CouponId) -> Self {
        Self { promotion_code: None, discount: None, coupon: Some(coupon) }
    }
}
