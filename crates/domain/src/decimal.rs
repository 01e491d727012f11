//! Exact decimals: read strictly, multiplied and added without losing a digit.
//!
//! `rust_decimal` rounds silently where a result needs more than 96 bits; here that is `None`.
//! [`serialize`] and [`deserialize`] are for `#[serde(with = "crate::decimal")]`: a decimal in a
//! file or in JSON is text, because a parser may read a bare `0.1` as a float.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// Reads `-12.345`: digits, at most one point with digits on both sides, at most a leading minus.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let plain = match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    };
    if plain { Decimal::from_str_exact(text).ok() } else { None }
}

/// `value × count`, exactly.
pub(crate) fn times(value: Decimal, count: u64) -> Option<Decimal> {
    let mantissa = value.mantissa().checked_mul(i128::from(count))?;
    Decimal::try_from_i128_with_scale(mantissa, value.scale()).ok()
}

/// `a + b`, exactly.
pub(crate) fn plus(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale().max(b.scale());
    let lift =
        |value: Decimal| value.mantissa().checked_mul(10_i128.checked_pow(scale - value.scale())?);
    Decimal::try_from_i128_with_scale(lift(a)?.checked_add(lift(b)?)?, scale).ok()
}

/// Moves the point to the right: `value × 10^places`, exactly.
pub(crate) fn shift(value: Decimal, places: u32) -> Option<Decimal> {
    times(value, 10_u64.checked_pow(places)?).map(|shifted| shifted.normalize())
}

pub(crate) fn serialize<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    from.deserialize_str(DecimalText)
}

struct DecimalText;

impl Visitor<'_> for DecimalText {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number in quotes, such as `\"29.00\"`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        parse(text).ok_or_else(|| E::custom(format!("`{text}` is not a decimal such as `29.00`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_plain_decimals_only() {
        for text in ["0", "29.00", "-0.05", "007", "0.000000000001"] {
            assert!(parse(text).is_some(), "{text}");
        }
        let sixty_digits = "1".repeat(60);
        for text in ["", "-", ".", "1.", ".5", "+1", "--1", "1e3", "1_000", "1,5", "NaN", " 1"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&sixty_digits), None);
    }

    #[test]
    fn a_result_that_would_need_rounding_is_none() {
        assert_eq!(times(Decimal::MAX, 10), None);
        let tiny = Decimal::new(1, 12);
        assert_eq!(plus(Decimal::MAX, tiny), None);
        assert_eq!(shift(tiny, 2), Some(Decimal::new(1, 10)));
    }

    proptest! {
        #[test]
        fn multiplying_is_repeated_adding(
            mantissa in -1_000_000_i64..1_000_000,
            scale in 0_u32..=12,
            count in 0_u64..20,
        ) {
            let value = Decimal::new(mantissa, scale);
            let sum = (0..count).try_fold(Decimal::ZERO, |sum, _| plus(sum, value));
            prop_assert_eq!(times(value, count), sum);
        }
    }
}
