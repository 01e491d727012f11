//! Discounts: what a percentage is, how long a coupon lasts, and whether a code can be redeemed.

use std::fmt;

use rust_decimal::Decimal;

use crate::decimal;
use crate::refusal::Refusal;
use crate::rounding::half_away_from_zero;
use crate::text::words;
use crate::time::Timestamp;

/// A percentage that can be taken off: above zero, and at most all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(Decimal);

impl Percent {
    /// Reads `12.5`; `None` for what is no such percentage.
    pub fn parse(text: &str) -> Option<Self> {
        let value = decimal::parse(text)?;
        (Decimal::ZERO < value && value <= Decimal::ONE_HUNDRED).then(|| Self(value.normalize()))
    }

    /// So much of an amount that is not below zero, rounded to whole minor units; an exact half goes up. `None`
    /// where the digits are too many to be exact.
    pub fn of(self, minor: i64) -> Option<i64> {
        let hundredfold = decimal::times(self.0, u64::try_from(minor).ok()?)?;
        let scale = hundredfold.scale() + 2;
        Decimal::try_from_i128_with_scale(hundredfold.mantissa(), scale)
            .ok()
            .and_then(half_away_from_zero)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

words! {
    /// How long a coupon takes something off.
    pub enum CouponDuration, "a duration of a coupon" {
        /// Of the first invoice only.
        Once = "once",
        /// For some months.
        Repeating = "repeating",
        /// As long as the subscription lasts.
        Forever = "forever",
    }
}

/// What decides whether somebody may redeem a promotion code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromotionCodeState {
    /// Whether Stripe would take it: it knows what is used up and over.
    pub active: bool,
    /// When it, or its coupon, can no longer be redeemed.
    pub expires_at: Option<Timestamp>,
    /// Whether it, or its coupon, was redeemed as often as it can be.
    pub is_used_up: bool,
    /// Whether it is meant for whoever asks.
    pub is_meant: bool,
}

impl PromotionCodeState {
    /// Whether the code can be redeemed `now`.
    ///
    /// # Errors
    /// The one reason to tell: `PromotionCodeExpired`, `PromotionCodeUsedUp`,
    /// `PromotionCodeInactive`, `PromotionCodeNotApplicable`.
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        match self {
            Self { active: true, is_meant: true, .. } => Ok(()),
            Self { active: true, is_meant: false, .. } => Err(Refusal::PromotionCodeNotApplicable),
            Self { expires_at: Some(end), .. } if *end <= now => Err(Refusal::PromotionCodeExpired),
            Self { is_used_up: true, .. } => Err(Refusal::PromotionCodeUsedUp),
            _ => Err(Refusal::PromotionCodeInactive),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::at;

    #[test]
    fn a_percentage_is_more_than_nothing_and_at_most_all() {
        for (text, read) in [
            ("12.5", Some("12.5")),
            ("12.50", Some("12.5")),
            ("100", Some("100")),
            ("0.01", Some("0.01")),
            ("100.01", None),
            ("0", None),
            ("0.00", None),
            ("-5", None),
            ("1e1", None),
            ("ten", None),
        ] {
            assert_eq!(
                Percent::parse(text).map(|percent| percent.to_string()).as_deref(),
                read,
                "{text}"
            );
        }
    }

    #[test]
    fn a_part_is_rounded_once() {
        for (text, minor, part) in [
            ("12.5", 2900, 363),
            ("33.33", 3000, 1000),
            ("100", 7, 7),
            ("0.01", 4999, 0),
            ("10", 0, 0),
        ] {
            assert_eq!(Percent::parse(text).unwrap().of(minor), Some(part), "{text} of {minor}");
        }
        assert_eq!(Percent::parse("1").unwrap().of(-1), None);
    }

    #[test]
    fn each_code_that_cannot_be_redeemed_says_why() {
        use Refusal::{
            PromotionCodeExpired, PromotionCodeInactive, PromotionCodeNotApplicable,
            PromotionCodeUsedUp,
        };
        let now = at("2027-01-01T00:00:00Z");
        let (past, future) = (Some(now), Some(now.plus_seconds(1)));
        for (active, expires_at, is_used_up, is_meant, told) in [
            (true, None, false, true, None),
            (true, future, false, true, None),
            (true, None, false, false, Some(PromotionCodeNotApplicable)),
            (false, past, false, true, Some(PromotionCodeExpired)),
            (false, past, true, false, Some(PromotionCodeExpired)),
            (false, future, true, true, Some(PromotionCodeUsedUp)),
            (false, future, false, true, Some(PromotionCodeInactive)),
            (false, None, false, false, Some(PromotionCodeInactive)),
        ] {
            let code = PromotionCodeState { active, expires_at, is_used_up, is_meant };
            assert_eq!(code.check(now).err(), told, "{code:?}");
        }
    }
}
