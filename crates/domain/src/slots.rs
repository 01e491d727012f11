//! Which subscription a slot in use counts against.

/// Spreads the slots `used` of one tier over what grants them: `limits`, one for each subscription,
/// the base first.
///
/// Each is filled up to its limit before the next. What is held beyond all of them, as after a
/// downgrade, counts against the first: it stays in use, and nothing is free until it is released.
pub fn spread(used: u64, limits: &[u64]) -> Vec<u64> {
    let mut left = used;
    let mut shares: Vec<u64> = limits
        .iter()
        .map(|limit| {
            let share = left.min(*limit);
            left -= share;
            share
        })
        .collect();
    if let Some(first) = shares.first_mut() {
        *first += left;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_base_is_filled_first_and_bears_what_is_too_much() {
        for (used, limits, shares) in [
            (0, vec![10, 5], vec![0, 0]),
            (7, vec![10, 5], vec![7, 0]),
            (12, vec![10, 5], vec![10, 2]),
            (18, vec![10, 5], vec![13, 5]),
            (3, vec![0], vec![3]),
            (3, vec![], vec![]),
        ] {
            assert_eq!(spread(used, &limits), shares, "{used} of {limits:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_free_before_all_is_used(
            used in 0_u64..100,
            limits in prop::collection::vec(0_u64..20, 1..6),
        ) {
            let shares = spread(used, &limits);
            prop_assert_eq!(shares.iter().sum::<u64>(), used);
            let free: u64 =
                limits.iter().zip(&shares).map(|(limit, share)| limit.saturating_sub(*share)).sum();
            prop_assert_eq!(free, limits.iter().sum::<u64>().saturating_sub(used));
        }
    }
}
