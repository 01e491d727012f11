//! Credits: what usage costs in them, what covers it, and what the rest costs in money.

mod ledger;

use rust_decimal::Decimal;

pub use ledger::{Entry, EntryKind, Grant, Included, Ledger, OpenLot, Reading, Source, ledger};

use crate::money::{Money, MoneyError};
use crate::plan::Credits;
use crate::time::Timestamp;
use crate::usage::Quantity;

/// Credits that can be spent until a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    pub amount: Quantity,
    /// Never, where absent.
    pub expires_at: Option<Timestamp>,
}

/// How usage is paid: by which lots, and what none of them covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    /// What was taken of each lot, in the order they were given.
    pub taken: Vec<Quantity>,
    pub overage: Quantity,
}

/// The credits that usage uses: the sum of quantity × weight, to twelve places for each meter. A gauge
/// below zero gives nothing back. `None` where it is more than can be counted.
pub fn used(meters: impl IntoIterator<Item = (Quantity, Decimal)>) -> Option<Quantity> {
    meters.into_iter().try_fold(Quantity::ZERO, |sum, (quantity, weight)| {
        Some(sum.plus(quantity.or_zero().times(weight)?))
    })
}

/// Spends what expires first, first; of those that expire together, what was given first.
pub fn spend(lots: &[Lot], used: Quantity) -> Spending {
    let mut order: Vec<usize> = (0..lots.len()).collect();
    order.sort_by_key(|&index| (lots[index].expires_at.is_none(), lots[index].expires_at));
    let (mut taken, mut overage) = (vec![Quantity::ZERO; lots.len()], used.or_zero());
    for index in order {
        taken[index] = lots[index].amount.or_zero().min(overage);
        overage = overage.minus(taken[index]);
    }
    Spending { taken, overage }
}

impl Credits {
    /// What credits beyond those included cost, rounded once: half of a minor unit goes up.
    pub fn overage_cost(&self, overage: Quantity) -> Result<Money, MoneyError> {
        let minor = crate::decimal::shift(self.price_per_1k, self.currency.decimals())
            .and_then(|per_1k| overage.times_rounded(per_1k, 1000))
            .ok_or(MoneyError::Overflow)?;
        Ok(Money::new(minor, self.currency))
    }

    /// The price of a thousand credits in major units, with at least the currency's decimals.
    pub fn price_text(&self) -> String {
        crate::decimal::shift(self.price_per_1k, self.currency.decimals())
            .map_or_else(|| self.price_per_1k.to_string(), |minor| self.currency.to_major(minor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::tests::currency;
    use crate::time::tests::at;
    use crate::usage::Quantity;
    use proptest::prelude::*;

    fn credits(included: u64, price: &str, code: &str) -> Credits {
        Credits {
            included,
            roll_over_days: 0,
            price_per_1k: price.parse().unwrap(),
            currency: currency(code),
        }
    }

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    /// The operations center's own figures.
    #[test]
    fn five_hundred_included_and_585_used() {
        let plan = credits(500, "2.00", "usd");
        let weight = |text: &str| text.parse().unwrap();
        let used = used([(quantity("580"), weight("1")), (quantity("50"), weight("0.1"))]).unwrap();
        assert_eq!(used, quantity("585"));
        let included = Lot { amount: Quantity::from_whole(plan.included), expires_at: None };
        let spending = spend(&[included], used);
        assert_eq!(
            (included.amount.minus(spending.taken[0]), spending.overage),
            (Quantity::ZERO, quantity("85"))
        );
        assert_eq!(plan.overage_cost(spending.overage).unwrap().to_major(), "0.17");
        assert_eq!(plan.price_text(), "2.00");
    }

    #[test]
    fn the_cost_is_rounded_once_and_half_goes_up() {
        for (overage, price, code, cost) in [
            ("0", "2.00", "usd", "0.00"),
            ("2.5", "2.00", "usd", "0.01"),
            ("2.499999999999", "2.00", "usd", "0.00"),
            ("85", "0.000001", "usd", "0.00"),
            ("1000000000000", "2.00", "usd", "2000000000.00"),
            ("1500", "3", "jpy", "5"),
            ("1", "0.0005", "kwd", "0.000"),
            ("1000", "0.0005", "kwd", "0.001"),
        ] {
            let plan = credits(0, price, code);
            assert_eq!(plan.overage_cost(quantity(overage)).unwrap().to_major(), cost, "{overage}");
        }
        let dear = credits(0, "1000000000000000", "usd");
        assert_eq!(dear.overage_cost(quantity("1000000000000")), Err(MoneyError::Overflow));
    }

    #[test]
    fn what_expires_first_is_spent_first() {
        let lot = |amount: u64, expires: Option<&str>| Lot {
            amount: Quantity::from_whole(amount),
            expires_at: expires.map(at),
        };
        let lots = [
            lot(10, None),
            lot(20, Some("2027-04-01T00:00:00Z")),
            lot(5, Some("2027-03-01T00:00:00Z")),
            lot(7, Some("2027-03-01T00:00:00Z")),
        ];
        for (used, taken, overage) in [
            (0, [0, 0, 0, 0], 0),
            (6, [0, 0, 5, 1], 0),
            (32, [0, 20, 5, 7], 0),
            (40, [8, 20, 5, 7], 0),
            (100, [10, 20, 5, 7], 58),
        ] {
            let spending = spend(&lots, Quantity::from_whole(used));
            assert_eq!(spending.taken, taken.map(Quantity::from_whole), "{used}");
            assert_eq!(spending.overage, Quantity::from_whole(overage));
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_and_the_overage_are_what_was_used(
            amounts in prop::collection::vec((0_u64..1000, prop::option::of(0_i64..5)), 0..6),
            used in 0_u64..5000,
        ) {
            let lots: Vec<Lot> = amounts
                .into_iter()
                .map(|(amount, second)| Lot {
                    amount: Quantity::from_whole(amount),
                    expires_at: second.and_then(Timestamp::from_second),
                })
                .collect();
            let spending = spend(&lots, Quantity::from_whole(used));
            let sum = spending.taken.iter().fold(spending.overage, |sum, taken| sum.plus(*taken));
            prop_assert_eq!(sum, Quantity::from_whole(used));
            for (lot, taken) in lots.iter().zip(&spending.taken) {
                prop_assert!(*taken <= lot.amount);
                // A lot is touched only when all that expire earlier are empty.
                let earlier = |other: &Lot| other.expires_at.is_some_and(|end| {
                    lot.expires_at.is_none_or(|own| end < own)
                });
                for (other, spent) in lots.iter().zip(&spending.taken) {
                    prop_assert!(!earlier(other) || *spent == other.amount || *taken == Quantity::ZERO);
                }
            }
        }
    }
}
