//! Coupons: what is taken off, for how long, and how often.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Metadata;
use crate::id::{CouponId, ProductId};

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Coupon {
    pub id: CouponId,
    #[serde(default)]
    pub name: Option<String>,
    /// Of a hundred, in the digits that Stripe wrote.
    #[serde(default, deserialize_with = "digits")]
    pub percent_off: Option<String>,
    /// Minor units of `currency`.
    #[serde(default)]
    pub amount_off: Option<i64>,
    #[serde(default)]
    pub currency: Option<String>,
    /// `once`, `repeating` or `forever`.
    pub duration: String,
    #[serde(default)]
    pub duration_in_months: Option<i64>,
    #[serde(default)]
    pub max_redemptions: Option<i64>,
    #[serde(default)]
    pub times_redeemed: i64,
    /// Times are unix seconds.
    #[serde(default)]
    pub redeem_by: Option<i64>,
    pub created: i64,
    /// Whether it can still be redeemed.
    #[serde(default)]
    pub valid: bool,
    #[serde(default)]
    applies_to: Option<AppliesTo>,
    #[serde(default)]
    pub metadata: Metadata,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct AppliesTo {
    products: Vec<ProductId>,
}

impl Coupon {
    /// The products it is good for; empty for all, and where Stripe was not asked.
    pub fn products(&self) -> &[ProductId] {
        self.applies_to.as_ref().map_or(&[], |applies_to| &applies_to.products)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct DeletedCoupon {
    pub id: CouponId,
}

/// A JSON number as it is written, which a float would round.
fn digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
    Ok(raw.map(|raw| raw.get().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_keeps_its_digits() {
        let percent = |written: &str| {
            let json = format!(
                r#"{{"id": "C", "duration": "once", "created": 1, "percent_off": {written}}}"#
            );
            serde_json::from_str::<Coupon>(&json).unwrap().percent_off
        };
        assert_eq!(percent("33.33").as_deref(), Some("33.33"));
        assert_eq!(percent("12.50").as_deref(), Some("12.50"));
        assert_eq!(percent("null"), None);
    }
}
