//! What discounts take off the lines of an invoice.

use serde_json::{Value, json};

use super::{Discount, coupons::Off};
use crate::{invoices::Line, world::World};

/// Takes the discounts off the lines that can have one, each off what the one before has left.
///
/// A percentage is rounded line by line, half away from zero; an amount is spread in proportion, each
/// part rounded down and the rest taken off the last line (Stripe docs: coupons).
pub fn apply(world: &World, discounts: &[Discount], at: i64, lines: &mut [Line]) {
    for discount in discounts.iter().filter(|discount| discount.runs_at(at)) {
        let Some(coupon) = world.coupons.find(&discount.coupon) else { continue };
        let counts = |line: &&mut Line| {
            line.discountable && line.net() > 0 && coupon.is_for(line.product.as_ref())
        };
        let mut lines: Vec<&mut Line> = lines.iter_mut().filter(counts).collect();
        let amounts: Vec<i64> = lines.iter().map(|line| line.net()).collect();
        let parts = match &coupon.off {
            Off::Percent(percent) => {
                amounts.iter().map(|amount| percent.percent_of(*amount)).collect()
            }
            Off::Amount { amount, .. } => spread(*amount, &amounts),
        };
        for (line, part) in lines.iter_mut().zip(parts) {
            line.discounts.push((discount.id.clone(), part));
        }
    }
}

/// Each discount that took something off, and how much, over all lines.
pub fn sum<'a>(discounts: impl Iterator<Item = &'a (String, i64)>) -> Vec<(String, i64)> {
    let mut sums: Vec<(String, i64)> = Vec::new();
    for (id, amount) in discounts {
        match sums.iter_mut().find(|(found, _)| found == id) {
            Some((_, sum)) => *sum += amount,
            None => sums.push((id.clone(), *amount)),
        }
    }
    sums
}

/// Discounts and what each takes off, as invoices and their lines show them.
pub fn show_amounts(discounts: &[(String, i64)]) -> Value {
    let show = |(id, amount): &(String, i64)| json!({ "amount": amount, "discount": id });
    discounts.iter().map(show).collect()
}

/// `off` in proportion to `amounts`, never more than they are together: each part is rounded down, and
/// what is left comes off the last.
fn spread(off: i64, amounts: &[i64]) -> Vec<i64> {
    let sum: i64 = amounts.iter().sum();
    let off = off.min(sum);
    let part = |amount: &i64| {
        let part = i128::from(off) * i128::from(*amount) / i128::from(sum.max(1));
        i64::try_from(part).unwrap_or(*amount)
    };
    let mut parts: Vec<i64> = amounts.iter().map(part).collect();
    let mut left = off - parts.iter().sum::<i64>();
    for (part, amount) in parts.iter_mut().zip(amounts).rev() {
        let more = left.min(amount - *part);
        *part += more;
        left -= more;
    }
    parts
}

/// What the discounts take off amounts that are not on an invoice yet: a checkout's lines.
pub fn taken_off(world: &World, coupon: Option<&String>, amounts: &[i64]) -> Vec<i64> {
    let coupon = coupon.and_then(|id| world.coupons.find(id));
    match coupon.map(|coupon| &coupon.off) {
        Some(Off::Percent(percent)) => {
            amounts.iter().map(|amount| percent.percent_of(*amount)).collect()
        }
        Some(Off::Amount { amount, .. }) => spread(*amount, amounts),
        None => vec![0; amounts.len()],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::spread;

    #[test]
    fn an_amount_is_spread_as_in_stripes_documentation() {
        assert_eq!(spread(500, &[1000, 2000]), [166, 334]);
        assert_eq!(spread(5000, &[1000, 2000]), [1000, 2000], "never more than all");
        assert_eq!(spread(1, &[1, 1, 1]), [0, 0, 1]);
        assert!(spread(500, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole(
            off in 1_i64..10_000_000,
            amounts in prop::collection::vec(1_i64..1_000_000, 1..12),
        ) {
            let parts = spread(off, &amounts);
            let sum: i64 = amounts.iter().sum();
            prop_assert_eq!(parts.iter().sum::<i64>(), off.min(sum));
            prop_assert!(parts.iter().zip(&amounts).all(|(part, amount)| (0..=*amount).contains(part)));
        }
    }
}
