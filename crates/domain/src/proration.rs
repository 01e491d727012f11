//! Prorations: what a change in the middle of a period credits and debits, to the second.
//!
//! Credit and debit are two lines, each rounded by itself, half away from zero (Stripe docs: Prorations).
//! A credit returns a part of what was really charged and not of what the price says (Stripe docs:
//! flexible billing mode), so that any number of changes in one period can follow each other.

use crate::money::{Money, MoneyError};
use crate::period::Period;
use crate::rounding::fraction_of;
use crate::time::Timestamp;

/// An amount, and the period it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cost {
    pub amount: Money,
    pub period: Period,
}

/// What one change adds to an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Proration {
    /// What was charged for the time that is left, given back: never above zero.
    pub credit: Cost,
    /// What that time costs from now on.
    pub debit: Cost,
}

impl Cost {
    /// What of it falls on the time from `moment` on: all of it before the period, nothing after it.
    pub fn remaining(self, moment: Timestamp) -> Result<Self, MoneyError> {
        let Period { start, end } = self.period;
        let start = moment.clamp(start, end.max(start));
        let (left, whole) = (whole_seconds(start, end), whole_seconds(self.period.start, end));
        let minor = match left {
            left if left <= 0 => 0,
            left => fraction_of(self.amount.minor(), left, whole).ok_or(MoneyError::Overflow)?,
        };
        let amount = Money::new(minor, self.amount.currency());
        Ok(Self { amount, period: Period { start, end } })
    }
}

/// A change at `moment` from what was `charged` last to what the whole running period would `cost`.
///
/// The `debit` is what is `charged` when the next change in the same period comes.
pub fn prorate(charged: Cost, cost: Cost, moment: Timestamp) -> Result<Proration, MoneyError> {
    let unused = charged.remaining(moment)?;
    let credit = Cost { amount: unused.amount.checked_mul(-1)?, ..unused };
    Ok(Proration { credit, debit: cost.remaining(moment)? })
}

impl Proration {
    /// Both lines together: below zero where more is given back than asked.
    pub fn total(self) -> Result<Money, MoneyError> {
        self.credit.amount.checked_add(self.debit.amount)
    }
}

/// Stripe counts in whole seconds.
fn whole_seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second() - from.as_second()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::tests::currency;
    use crate::time::tests::at;
    use proptest::prelude::*;

    fn seconds(start: i64, end: i64) -> Period {
        let second = |second| Timestamp::from_second(second).unwrap();
        Period { start: second(start), end: second(end) }
    }

    fn days(start: &str, end: &str) -> Period {
        Period { start: day(start), end: day(end) }
    }

    fn day(day: &str) -> Timestamp {
        at(&format!("{day}T00:00:00Z"))
    }

    fn cost(minor: i64, period: Period) -> Cost {
        Cost { amount: Money::new(minor, currency("usd")), period }
    }

    /// Credit and debit of a change between two amounts for the whole period.
    fn change(before: i64, after: i64, period: Period, moment: Timestamp) -> (i64, i64) {
        let change = prorate(cost(before, period), cost(after, period), moment).unwrap();
        (change.credit.amount.minor(), change.debit.amount.minor())
    }

    /// 445,540 of 2,678,400 seconds are left; Stripe docs: Prorations.
    #[test]
    fn golden_an_upgrade_near_the_end() {
        let period = seconds(1_596_749_288, 1_599_427_688);
        let moment = Timestamp::from_second(1_598_982_148).unwrap();
        let (credit, debit) = change(1000, 3252, period, moment);
        assert_eq!((credit, debit), (-166, 541));
        assert_eq!(credit + debit + 3252, 3627, "with the next period, on one invoice");
    }

    /// Stripe docs: Prorations, test clocks, cancellation.
    #[test]
    fn golden_parts() {
        let thirty = days("2027-04-01", "2027-05-01");
        let january = days("2027-01-01", "2027-02-01");
        let year = days("2027-01-01", "2028-01-01");
        let cases = [
            // A third is left: each line goes to its own nearest cent, together -3.34.
            (2000, 1000, thirty, "2027-04-21", (-667, 333)),
            // Half of what was charged after 1.66 off.
            (1000 - 166, 0, thirty, "2027-04-16", (-417, 0)),
            // The text says «-25 + 50 + 100 = 125»; sixteen of January's days are a little more than half.
            (5000, 10_000, january, "2027-01-16", (-2581, 5161)),
            // The text says that 60 of 120 are for January to June, which is 59.51 by the day.
            (12_000, 0, year, "2027-07-01", (-6049, 0)),
        ];
        for (before, after, period, moment, lines) in cases {
            assert_eq!(change(before, after, period, day(moment)), lines, "{before} at {moment}");
        }
        let first_half = 12_000 - 6049;
        assert_eq!((first_half, fraction_of(first_half, 1, 100)), (5951, Some(60)));
    }

    #[test]
    fn outside_of_its_period_all_or_nothing_is_left() {
        let month = days("2027-04-01", "2027-05-01");
        for (moment, left) in [("2027-03-31", 2900), ("2027-04-01", 2900), ("2027-05-01", 0)] {
            assert_eq!(cost(2900, month).remaining(day(moment)).unwrap().amount.minor(), left);
        }
        let never = days("2027-04-01", "2027-04-01");
        assert_eq!(cost(2900, never).remaining(never.start), Ok(cost(0, never)));
    }

    #[test]
    fn two_currencies_or_too_much_money_are_refused() {
        let month = days("2027-04-01", "2027-05-01");
        let euros = Cost { amount: Money::new(1000, currency("eur")), period: month };
        let mixed = prorate(cost(1000, month), euros, month.start).unwrap().total();
        assert!(matches!(mixed, Err(MoneyError::DifferentCurrencies(..))), "{mixed:?}");
        let least = prorate(cost(i64::MIN, month), cost(0, month), month.start);
        assert_eq!(least, Err(MoneyError::Overflow));
    }

    proptest! {
        /// What was used and what is left are the whole, to the one cent of rounding.
        #[test]
        fn nothing_is_lost_between_used_and_left(
            minor in 0_i64..100_000_000,
            length in 1_i64..40_000_000,
            elapsed in 0_i64..40_000_000,
        ) {
            let (start, elapsed) = (1_800_000_000, elapsed.min(length));
            let moment = Timestamp::from_second(start + elapsed).unwrap();
            let left = cost(minor, seconds(start, start + length)).remaining(moment).unwrap();
            let used = fraction_of(minor, elapsed, length).unwrap();
            prop_assert!((minor - used - left.amount.minor()).abs() <= 1);
            prop_assert!((0..=minor).contains(&left.amount.minor()));
        }

        /// Changing to the same price costs nothing, whenever.
        #[test]
        fn the_same_again_is_free(minor in 0_i64..100_000_000, elapsed in 0_i64..2_678_400) {
            let period = seconds(1_800_000_000, 1_802_678_400);
            let moment = Timestamp::from_second(1_800_000_000 + elapsed).unwrap();
            let same = cost(minor, period);
            prop_assert_eq!(prorate(same, same, moment).unwrap().total().unwrap().minor(), 0);
        }

        /// Back and forth in one moment costs nothing: the credit returns what the debit took.
        #[test]
        fn a_change_of_mind_is_free(
            before in 0_i64..100_000_000,
            after in 0_i64..100_000_000,
            elapsed in 0_i64..2_678_400,
        ) {
            let period = seconds(1_800_000_000, 1_802_678_400);
            let moment = Timestamp::from_second(1_800_000_000 + elapsed).unwrap();
            let there = prorate(cost(before, period), cost(after, period), moment).unwrap();
            let back = prorate(there.debit, cost(before, period), moment).unwrap();
            let total = there.total().unwrap().checked_add(back.total().unwrap()).unwrap();
            prop_assert_eq!(total.minor(), 0);
        }
    }
}
