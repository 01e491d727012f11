//! The only ways to round: a line's amount, a part of one, and a sum divided among lines.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// The whole number nearest to `exact`; an exact half goes away from zero. `None` beyond an `i64`.
///
/// Stripe documents no rule for halves; this one is symmetric, so that a credit mirrors its charge.
pub fn half_away_from_zero(exact: Decimal) -> Option<i64> {
    exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64()
}

/// `amount × part / whole`, to the nearest whole number; an exact half goes away from zero. `None` where
/// `whole` is 0 or the result is beyond an `i64`.
pub fn fraction_of(amount: i64, part: i64, whole: i64) -> Option<i64> {
    let (product, whole) = (i128::from(amount) * i128::from(part), i128::from(whole));
    let (cut, rest) = (product.checked_div(whole)?, product.checked_rem(whole)?);
    let away = if 2 * rest.abs() >= whole.abs() { product.signum() * whole.signum() } else { 0 };
    i64::try_from(cut + away).ok()
}

/// Divides `total` in proportion to `weights`; the parts always sum to `total`.
///
/// Every part is cut towards zero, and what is left over goes to the last part with a weight (to
/// the last of all where no weight is above zero). Stripe spreads an amount off over the lines of
/// an invoice like this. No weights, no parts.
pub fn split(total: i64, weights: &[u64]) -> Vec<i64> {
    let sum: i128 = weights.iter().copied().map(i128::from).sum();
    let mut parts: Vec<i64> =
        weights.iter().map(|&weight| share(total, i128::from(weight), sum)).collect();
    let rest = total - parts.iter().sum::<i64>();
    let last =
        weights.iter().rposition(|&weight| weight > 0).unwrap_or(weights.len().saturating_sub(1));
    if let Some(part) = parts.get_mut(last) {
        *part += rest;
    }
    parts
}

fn share(total: i64, weight: i128, sum: i128) -> i64 {
    if sum == 0 {
        return 0;
    }
    // A share is never larger than the total, so it always fits.
    i64::try_from(i128::from(total) * weight / sum).unwrap_or(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_go_away_from_zero() {
        for (tenths, whole) in [(4, 0), (5, 1), (15, 2), (25, 3), (-5, -1), (-25, -3), (-14, -1)] {
            assert_eq!(half_away_from_zero(Decimal::new(tenths, 1)), Some(whole), "{tenths}");
        }
        assert_eq!(half_away_from_zero(Decimal::MAX), None);
    }

    #[test]
    fn fractions_round_as_amounts_do() {
        for (amount, part, whole, expected) in [
            (1000, 1, 3, Some(333)),
            (2000, 1, 3, Some(667)),
            (5, 1, 2, Some(3)),
            (-5, 1, 2, Some(-3)),
            (5, -1, 2, Some(-3)),
            (5, 1, -2, Some(-3)),
            (i64::MIN, 1, 1, Some(i64::MIN)),
            (i64::MAX, 2, 1, None),
            (5, 1, 0, None),
        ] {
            assert_eq!(fraction_of(amount, part, whole), expected, "{amount} × {part}/{whole}");
        }
    }

    /// The first row is Stripe's own example of an amount off.
    #[test]
    fn splits() {
        let cases: [(i64, &[u64], &[i64]); 6] = [
            (500, &[1000, 2000], &[166, 334]),
            (-500, &[1000, 2000], &[-166, -334]),
            (100, &[1, 1, 1, 0], &[33, 33, 34, 0]),
            (7, &[0, 0], &[0, 7]),
            (i64::MIN, &[u64::MAX], &[i64::MIN]),
            (5, &[], &[]),
        ];
        for (total, weights, parts) in cases {
            assert_eq!(split(total, weights), parts, "{total} over {weights:?}");
        }
    }

    proptest! {
        /// Where the quotient is exact as a decimal, both ways of rounding agree.
        #[test]
        fn a_fraction_is_the_decimal_rounded(amount: i32, part in 0_i64..100_000, places in 0_u32..6) {
            let exact = Decimal::new(i64::from(amount) * part, places);
            let fraction = fraction_of(amount.into(), part, 10_i64.pow(places));
            prop_assert_eq!(fraction, half_away_from_zero(exact));
        }

        #[test]
        fn parts_sum_to_the_total(
            total: i64,
            weights in prop::collection::vec(any::<u64>(), 1..9),
        ) {
            let parts = split(total, &weights);
            prop_assert_eq!(parts.len(), weights.len());
            let sum: i128 = parts.iter().map(|&part| i128::from(part)).sum();
            prop_assert_eq!(sum, i128::from(total));
            prop_assert!(parts.iter().all(|part| part.signum() * total.signum() >= 0));
        }
    }
}
