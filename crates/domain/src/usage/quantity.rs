//! How much of a meter, exactly: no float, and no rounding but where a weight asks for it.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::decimal;

/// So much of a meter, or so many credits: a decimal of up to twelve places, held as whole trillionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quantity(i128);

/// Why a text is not a quantity that may be reported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuantityError {
    #[error("must be a decimal number such as `12` or `0.25`, without an exponent")]
    NotANumber,
    #[error("must have at most 12 decimals")]
    TooPrecise,
    #[error("must be at most 1000000000000 (a trillion): choose a larger unit for the meter")]
    TooLarge,
}

const PLACES: u32 = 12;
/// Trillionths in one.
const ONE: i128 = 1_000_000_000_000;
/// What one report may say at most. Nine million such reports fit one total.
const REPORTED_MAX: i128 = ONE * ONE;

impl Quantity {
    pub const ZERO: Self = Self(0);
    pub const ONE: Self = Self(ONE);

    /// So many whole units.
    pub const fn from_whole(whole: u64) -> Self {
        // 64 bits times 10¹² always fit 128.
        Self(whole as i128 * ONE)
    }

    /// Reads what a report says: digits and at most one point, up to a trillion, up to twelve places.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let exact = match decimal::parse(text) {
            Some(exact) => exact.normalize(),
            // Well written, and more digits than a decimal holds.
            None if digits > 28 && is_plain(text) => return Err(too_long(text)),
            None => return Err(QuantityError::NotANumber),
        };
        let places = exact.scale();
        if places > PLACES {
            return Err(QuantityError::TooPrecise);
        }
        let trillionths = exact.mantissa().checked_mul(10_i128.pow(PLACES - places));
        trillionths
            .filter(|trillionths| trillionths.abs() <= REPORTED_MAX)
            .map(Self)
            .ok_or(QuantityError::TooLarge)
    }

    /// The whole part, rounded down, and the trillionths above it: how a table keeps it. Ordered as pairs
    /// as the quantities are. `None` beyond 64 bits.
    pub fn parts(self) -> Option<(i64, i64)> {
        let whole = i64::try_from(self.0.div_euclid(ONE)).ok()?;
        let trillionths = i64::try_from(self.0.rem_euclid(ONE)).ok()?;
        Some((whole, trillionths))
    }

    /// What [`Self::parts`] took apart.
    pub const fn from_parts(whole: i64, trillionths: i64) -> Self {
        Self(whole as i128 * ONE + trillionths as i128)
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The sum; at the ends of what can be counted it stays there.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; at the ends of what can be counted it stays there.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// What is left above zero.
    #[must_use]
    pub fn or_zero(self) -> Self {
        self.max(Self::ZERO)
    }

    /// The share it is of `whole`, in thousandths, rounded down: from 0 to 1000. All of nothing is 0.
    pub fn per_mille_of(self, whole: Self) -> u16 {
        if whole <= Self::ZERO {
            return 0;
        }
        let share = self.or_zero().min(whole).0.saturating_mul(1000) / whole.0;
        u16::try_from(share).unwrap_or(1000)
    }

    /// `self × factor`, to twelve places; half of the last one goes away from zero. `None` where it is
    /// larger than can be counted.
    pub fn times(self, factor: Decimal) -> Option<Self> {
        let factor = factor.normalize();
        let product = self.0.checked_mul(factor.mantissa())?;
        Some(Self(divide(product, 10_i128.checked_pow(factor.scale())?)))
    }

    /// `self × factor ÷ divisor`, to the nearest whole number; an exact half goes away from zero. `None`
    /// where it is larger than an `i64`, or the divisor is zero.
    pub(crate) fn times_rounded(self, factor: Decimal, divisor: u64) -> Option<i64> {
        let factor = factor.normalize();
        // Whole numbers of a thousand, say, must not carry twelve zeros into the product.
        let zeros = trailing_zeros(self.0).min(PLACES);
        let product = (self.0 / 10_i128.pow(zeros)).checked_mul(factor.mantissa())?;
        let scale = 10_i128.checked_pow(factor.scale() + PLACES - zeros)?;
        let whole = scale.checked_mul(i128::from(divisor)).filter(|whole| *whole > 0)?;
        i64::try_from(divide(product, whole)).ok()
    }
}

/// To the nearest; half goes away from zero. `by` is above zero.
fn divide(product: i128, by: i128) -> i128 {
    let (cut, rest) = (product / by, product % by);
    // Not `2 × rest ≥ by`, which may not fit.
    if rest.abs() >= by - rest.abs() { cut + product.signum() } else { cut }
}

fn trailing_zeros(mut value: i128) -> u32 {
    let mut zeros = 0;
    while value != 0 && value % 10 == 0 {
        value /= 10;
        zeros += 1;
    }
    if value == 0 { PLACES } else { zeros }
}

fn is_plain(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    [whole, fraction]
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Of a text with more digits than a decimal holds: which end has too many.
fn too_long(text: &str) -> QuantityError {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    if fraction.trim_end_matches('0').len() > PLACES as usize {
        QuantityError::TooPrecise
    } else {
        QuantityError::TooLarge
    }
}

impl fmt::Display for Quantity {
    /// Exactly, without zeros at the end: `12`, `0.25`, `-3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let (whole, rest) =
            (self.0.unsigned_abs() / ONE as u128, self.0.unsigned_abs() % ONE as u128);
        let fraction = format!("{rest:012}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

/// A JSON number with exactly its digits, as `money::Amount` is.
impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    fn quantities() -> impl Strategy<Value = Quantity> {
        (-REPORTED_MAX..=REPORTED_MAX).prop_map(Quantity)
    }

    #[test]
    fn shares_are_in_thousandths_and_never_more_than_all() {
        for (part, whole, expected) in [
            ("0", "10", 0),
            ("0.009", "10", 0),
            ("5", "10", 500),
            ("0.25", "0.5", 500),
            ("9.999", "10", 999),
            ("10", "10", 1000),
            ("11", "10", 1000),
            ("-1", "10", 0),
            ("1", "0", 0),
        ] {
            let read = |text| Quantity::parse(text).unwrap();
            assert_eq!(read(part).per_mille_of(read(whole)), expected, "{part} of {whole}");
        }
        let most = Quantity::from_whole(u64::MAX);
        assert_eq!(most.per_mille_of(most), 1000);
    }

    #[test]
    fn reads_exactly_or_says_why_not() {
        use QuantityError::{NotANumber, TooLarge, TooPrecise};
        let sixty = "1".repeat(60);
        let cases = [
            ("0", Ok("0")),
            ("-0", Ok("0")),
            ("007.50", Ok("7.5")),
            ("0.000000000001", Ok("0.000000000001")),
            ("0.1000000000000000000", Ok("0.1")),
            ("1000000000000", Ok("1000000000000")),
            ("-12.5", Ok("-12.5")),
            ("-0.000000000001", Ok("-0.000000000001")),
            ("1000000000000.000000000001", Err(TooLarge)),
            ("0.0000000000001", Err(TooPrecise)),
            ("0.11111111111111111111111111111111111", Err(TooPrecise)),
            ("1.00000000000000000000000000000000000", Err(TooLarge)),
            (sixty.as_str(), Err(TooLarge)),
            ("NaN", Err(NotANumber)),
            ("Infinity", Err(NotANumber)),
            ("1e3", Err(NotANumber)),
            ("1,5", Err(NotANumber)),
            (" 1", Err(NotANumber)),
            ("", Err(NotANumber)),
            (".", Err(NotANumber)),
        ];
        for (text, expected) in cases {
            let read = Quantity::parse(text).map(|quantity| quantity.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn products_are_rounded_at_the_twelfth_place_only() {
        for (a, factor, product) in [
            ("585", "1", "585"),
            ("3", "0.1", "0.3"),
            ("0.000000000001", "0.5", "0.000000000001"),
            ("0.000000000001", "0.49", "0"),
            ("-0.000000000001", "0.5", "-0.000000000001"),
            ("1000000000000", "1000000", "1000000000000000000"),
        ] {
            let factor = factor.parse().unwrap();
            assert_eq!(quantity(a).times(factor).unwrap().to_string(), product, "{a} × {factor}");
        }
        assert_eq!(Quantity(i128::MAX).times(Decimal::TEN), None);
    }

    proptest! {
        #[test]
        fn text_and_parts_lead_back(a in quantities()) {
            prop_assert_eq!(Quantity::parse(&a.to_string()), Ok(a));
            let (whole, trillionths) = a.parts().unwrap();
            prop_assert_eq!(Quantity::from_parts(whole, trillionths), a);
            prop_assert!((0..1_000_000_000_000).contains(&trillionths));
        }

        /// The tables compare and add the parts; that must be the same as comparing and adding.
        #[test]
        fn parts_are_ordered_and_added_as_quantities_are(a in quantities(), b in quantities()) {
            let (left, right) = (a.parts().unwrap(), b.parts().unwrap());
            prop_assert_eq!(a.cmp(&b), left.cmp(&right));
            let carried = left.1 + right.1;
            let sum = (left.0 + right.0 + carried / 1_000_000_000_000, carried % 1_000_000_000_000);
            prop_assert_eq!(a.plus(b).parts(), Some(sum));
        }

        #[test]
        fn rounding_agrees_with_decimals(units in 0_i64..1_000_000_000, places in 0_u32..6, price in 0_i64..100_000) {
            let a = Quantity::parse(&Decimal::new(units, places).to_string()).unwrap();
            let exact = Decimal::new(units, places) * Decimal::new(price, 2) / Decimal::ONE_THOUSAND;
            prop_assert_eq!(
                a.times_rounded(Decimal::new(price, 2), 1000),
                crate::rounding::half_away_from_zero(exact)
            );
        }
    }
}
