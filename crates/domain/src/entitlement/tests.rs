//! The answer as a table of cases, and what holds of every answer.

use super::*;
use crate::time::tests::at;
use proptest::prelude::*;

fn limit(per: LimitPeriod, max: u64, hard: bool) -> Limit {
    Limit { meter: "calls".to_owned(), per, max, hard }
}

fn tally(per: LimitPeriod, max: u64, hard: bool, used: u64, held: u64) -> Tally {
    let resets_at = match per {
        LimitPeriod::Minute => Some("2027-03-01T12:01:00Z"),
        LimitPeriod::Day => Some("2027-03-02T00:00:00Z"),
        LimitPeriod::Month => Some("2027-04-01T00:00:00Z"),
        LimitPeriod::Period => Some("2027-03-20T00:00:00Z"),
        LimitPeriod::Gauge => None,
    };
    Tally {
        limit: Some(limit(per, max, hard)),
        used: Quantity::from_whole(used),
        held: Quantity::from_whole(held),
        resets_at: resets_at.map(at),
    }
}

fn ask(aggregation: Aggregation, tallies: &[Tally], quantity: u64) -> (bool, Reason, Option<u64>) {
    let metered = Metered { aggregation, tallies: tallies.to_vec() };
    let decision = decide(None, Some(&metered), Quantity::from_whole(quantity));
    let max = decision.tally.and_then(|tally| tally.limit).map(|limit| limit.max);
    (decision.allowed, decision.reason, max)
}

#[test]
fn a_feature_is_what_the_plan_says() {
    use FeatureValue::{Number, Switch, Text};
    let text = Text("email".to_owned());
    for (value, quantity, allowed, reason) in [
        (Some(Switch(true)), 1, true, Reason::Included),
        (Some(Switch(false)), 1, false, Reason::NotInPlan),
        (Some(text), 1, true, Reason::Included),
        (Some(Number(3)), 3, true, Reason::WithinLimit),
        (Some(Number(3)), 4, false, Reason::LimitReached),
        (Some(Number(0)), 1, false, Reason::LimitReached),
        (Some(Number(-1)), 1, false, Reason::LimitReached),
        (None, 1, false, Reason::NotInPlan),
    ] {
        let decision = decide(value.as_ref(), None, Quantity::from_whole(quantity));
        assert_eq!((decision.allowed, decision.reason), (allowed, reason), "{value:?} {quantity}");
    }
    // Counted, and switched off.
    let metered = Metered { aggregation: Aggregation::Sum, tallies: Vec::new() };
    let off = decide(Some(&Switch(false)), Some(&metered), Quantity::ONE);
    assert_eq!(off.reason, Reason::NotInPlan);
    assert_eq!(decide(None, Some(&metered), Quantity::ONE).reason, Reason::Included);
}

#[test]
fn hard_limits_refuse_and_soft_ones_say_so() {
    use Aggregation::{Last, Max, Sum};
    use LimitPeriod::{Day, Gauge, Minute, Month};
    let cases = [
        (Sum, vec![tally(Day, 100, true, 99, 0)], 1, (true, Reason::WithinLimit, Some(100))),
        (Sum, vec![tally(Day, 100, true, 99, 1)], 1, (false, Reason::LimitReached, Some(100))),
        (Sum, vec![tally(Day, 100, false, 100, 0)], 1, (true, Reason::OverSoftLimit, Some(100))),
        (Sum, vec![tally(Minute, 60, true, 60, 0)], 1, (false, Reason::RateLimited, Some(60))),
        // Nothing asked for, nothing refused, unless it is passed already.
        (Sum, vec![tally(Day, 100, true, 100, 0)], 0, (true, Reason::WithinLimit, Some(100))),
        (Sum, vec![tally(Day, 100, true, 101, 0)], 0, (false, Reason::LimitReached, Some(100))),
        // Of several that refuse, the one that lasts.
        (
            Sum,
            vec![tally(Month, 9, true, 9, 0), tally(Minute, 1, true, 1, 0)],
            1,
            (false, Reason::LimitReached, Some(9)),
        ),
        // A hard one before a soft one.
        (
            Sum,
            vec![tally(Month, 9, false, 9, 0), tally(Minute, 1, true, 1, 0)],
            1,
            (false, Reason::RateLimited, Some(1)),
        ),
        // Of several with room, the one with the least.
        (
            Sum,
            vec![tally(Month, 9, true, 0, 0), tally(Day, 12, true, 8, 0)],
            1,
            (true, Reason::WithinLimit, Some(12)),
        ),
        (Last, vec![tally(Gauge, 10, true, 4, 0)], 6, (true, Reason::WithinLimit, Some(10))),
        (Last, vec![tally(Gauge, 10, true, 4, 0)], 7, (false, Reason::LimitReached, Some(10))),
        // The highest does not add up.
        (Max, vec![tally(Month, 10, true, 9, 0)], 10, (true, Reason::WithinLimit, Some(10))),
        (Max, vec![tally(Month, 10, true, 9, 0)], 11, (false, Reason::LimitReached, Some(10))),
    ];
    for (aggregation, tallies, quantity, expected) in cases {
        assert_eq!(ask(aggregation, &tallies, quantity), expected, "{tallies:?} {quantity}");
    }
}

#[test]
fn without_access_there_is_a_reason() {
    let until = at("2027-03-01T00:00:00Z");
    for (good, subscription, free, expected) in [
        (true, Some(Access::Full), false, Ok(Access::Full)),
        (true, Some(Access::Grace { until }), true, Ok(Access::Grace { until })),
        (true, Some(Access::None), true, Err(Reason::NoAccess)),
        (true, None, true, Ok(Access::Full)),
        (true, None, false, Err(Reason::NotSubscribed)),
        (false, Some(Access::Full), true, Err(Reason::TenantNotActive)),
    ] {
        assert_eq!(standing(good, subscription, free), expected, "{good} {subscription:?} {free}");
    }
}

#[test]
fn what_a_tenant_has_alone_stands_in_the_place_of_the_plans() {
    let planned = Allowance {
        features: [("sso".to_owned(), FeatureValue::Switch(false))].into(),
        limits: vec![limit(LimitPeriod::Day, 100, true), limit(LimitPeriod::Month, 900, false)],
    };
    let own = [
        ("sso".to_owned(), FeatureValue::Switch(true)),
        ("beta".to_owned(), FeatureValue::Switch(true)),
    ];
    let both = planned.overridden(own.into(), vec![limit(LimitPeriod::Day, 5, false)]);
    assert_eq!(both.features["sso"], FeatureValue::Switch(true));
    assert_eq!(both.features.len(), 2);
    let limits = [limit(LimitPeriod::Month, 900, false), limit(LimitPeriod::Day, 5, false)];
    assert_eq!(both.limits, limits);
}

fn tallies() -> impl Strategy<Value = Vec<Tally>> {
    let one =
        (prop::sample::select(LimitPeriod::ALL), 0_u64..50, any::<bool>(), 0_u64..60, 0_u64..9)
            .prop_map(|(per, max, hard, used, held)| tally(per, max, hard, used, held));
    prop::collection::vec(one, 0..6)
}

proptest! {
    /// Allowed is exactly what keeps every hard limit.
    #[test]
    fn what_is_allowed_passes_no_hard_limit(tallies in tallies(), quantity in 0_u64..30) {
        let (allowed, reason, _) = ask(Aggregation::Sum, &tallies, quantity);
        let keeps = |tally: &Tally| {
            let taken = tally.used.plus(tally.held).plus(Quantity::from_whole(quantity));
            let limit = tally.limit.as_ref().unwrap();
            !limit.hard || taken <= Quantity::from_whole(limit.max)
        };
        prop_assert_eq!(allowed, tallies.iter().all(keeps));
        let refuses = matches!(reason, Reason::LimitReached | Reason::RateLimited);
        prop_assert_eq!(allowed, !refuses);
    }

    /// Who may have more may have less.
    #[test]
    fn less_is_never_refused_where_more_is_allowed(
        tallies in tallies(),
        less in 0_u64..30,
        more in 0_u64..30,
        aggregation in prop::sample::select(Aggregation::ALL),
    ) {
        let allowed = |quantity| ask(aggregation, &tallies, quantity).0;
        prop_assert!(!allowed(less + more) || allowed(less));
    }

    /// However the questions come in, what was allowed and held never passes a hard limit.
    #[test]
    fn holding_what_is_allowed_never_overspends(
        used in 0_u64..20,
        asked in prop::collection::vec(1_u64..10, 0..40),
    ) {
        let mut held = 0;
        for quantity in asked {
            let tallies = [tally(LimitPeriod::Day, 50, true, used, held)];
            if ask(Aggregation::Sum, &tallies, quantity).0 {
                held += quantity;
            }
        }
        prop_assert!(used + held <= 50);
    }
}
