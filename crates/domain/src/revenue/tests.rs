//! Goldens of MRR and of what a change is called, and what holds of any of them.

use proptest::prelude::*;

use super::*;
use crate::time::tests::at;

fn line(amount: i64, interval: Interval, interval_count: u32) -> RecurringLine {
    RecurringLine { amount, interval, interval_count }
}

fn percent(text: &str) -> Reduction {
    Reduction::Percent(Percent::parse(text).unwrap())
}

#[test]
fn lines_are_normalised_to_a_month() {
    use Interval::{Day, Month, Week, Year};
    for (amount, interval, count, month) in [
        (2900, Month, 1, 2900),
        (29900, Year, 1, 2492), // 2491.67
        (30000, Year, 1, 2500),
        (9000, Month, 3, 3000),
        (1000, Month, 3, 333),
        (1000, Week, 1, 4333), // 52 weeks
        (100, Day, 1, 3042),   // 365 days: 3041.67
        (6, Year, 1, 1),       // half a cent goes away from zero
        (5, Year, 1, 0),
        (0, Month, 1, 0),
        (60000, Year, 2, 2500),
    ] {
        let sum = recurring(&[line(amount, interval, count)], &[]).unwrap();
        assert_eq!(sum, Recurring { per_period: amount, per_month: month }, "{amount} {interval}");
    }
}

#[test]
fn discounts_are_taken_off_in_their_order() {
    let year = [line(29900, Interval::Year, 1), line(1200, Interval::Year, 1)];
    let month = [line(1000, Interval::Month, 1), line(2000, Interval::Month, 1)];
    for (lines, reductions, per_period, per_month) in [
        (&year[..], vec![percent("10")], 27_990, 2333), // 26910 → 2242.5 → 2243, 1080 → 90
        (&month[..], vec![Reduction::Amount(500)], 2500, 2500),
        (&month[..], vec![Reduction::Amount(5000)], 0, 0),
        (&month[..], vec![percent("50"), Reduction::Amount(500)], 1000, 1000),
        (&month[..], vec![Reduction::Amount(500), percent("50")], 1250, 1250),
        (&month[..], vec![percent("33.33")], 2000, 2000), // 333.3 → 333 and 666.6 → 667
        (&month[..], vec![percent("100")], 0, 0),
        (&[], vec![Reduction::Amount(500)], 0, 0),
    ] {
        let sum = recurring(lines, &reductions).unwrap();
        assert_eq!(sum, Recurring { per_period, per_month }, "{reductions:?}");
    }
}

#[test]
fn an_amount_that_is_too_large_is_none() {
    assert_eq!(recurring(&[line(i64::MAX, Interval::Day, 1)], &[]), None);
}

#[test]
fn active_counts_and_past_due_in_grace() {
    let now = at("2026-11-20T12:00:00Z");
    let counted = |status, began: Option<Timestamp>| is_counted(status, began, 3, now);
    for status in Status::ALL {
        assert_eq!(counted(*status, None), matches!(status, Status::Active | Status::PastDue));
    }
    assert!(counted(Status::PastDue, Some(now.plus_days(-3).plus_seconds(1))));
    assert!(!counted(Status::PastDue, Some(now.plus_days(-3))));
}

fn told(
    before: Option<(&'static str, i64)>,
    after: (&'static str, i64),
    others: i64,
    has_paid: bool,
) -> String {
    let standing = |(plan, mrr)| Standing { plan, mrr };
    let around = Surroundings { others, has_paid };
    movements(before.map(standing), standing(after), around)
        .iter()
        .map(|moved| {
            let Moved { fact, plan, amount, tenants, subscriptions } = moved;
            format!("{fact} {plan} {amount:+} t{tenants:+} s{subscriptions:+}")
        })
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn each_change_has_its_word() {
    for (before, after, others, has_paid, expected) in [
        (None, ("pro", 0), 0, false, ""),
        (None, ("pro", 2900), 0, false, "new pro +2900 t+1 s+1"),
        (Some(("pro", 0)), ("pro", 2900), 0, false, "new pro +2900 t+1 s+1"),
        (Some(("pro", 0)), ("pro", 2900), 0, true, "reactivation pro +2900 t+1 s+1"),
        (None, ("sms", 500), 2900, true, "expansion sms +500 t+0 s+1"),
        (Some(("sms", 500)), ("sms", 0), 2900, true, "contraction sms -500 t+0 s-1"),
        (Some(("pro", 2900)), ("pro", 0), 0, true, "churn pro -2900 t-1 s-1"),
        (Some(("pro", 2900)), ("pro", 5800), 0, true, "expansion pro +2900 t+0 s+0"),
        (Some(("pro", 5800)), ("pro", 2900), 0, true, "contraction pro -2900 t+0 s+0"),
        (
            Some(("pro", 2900)),
            ("max", 9900),
            0,
            true,
            "transfer pro -2900 t+0 s-1; transfer max +2900 t+0 s+1; expansion max +7000 t+0 s+0",
        ),
        (
            Some(("pro", 2900)),
            ("plus", 2900),
            0,
            true,
            "transfer pro -2900 t+0 s-1; transfer plus +2900 t+0 s+1",
        ),
        // Over under a new name: the old plan loses it.
        (Some(("pro", 2900)), ("free", 0), 0, true, "churn pro -2900 t-1 s-1"),
        (Some(("pro", 2900)), ("pro", 2900), 0, true, ""),
    ] {
        assert_eq!(told(before, after, others, has_paid), expected, "{before:?} {after:?}");
    }
}

#[test]
fn a_trial_begins_and_ends_once() {
    use Fact::{TrialConverted, TrialLost, TrialStarted};
    use Status::{Active, Canceled, PastDue, Paused, Trialing};
    for (before, after, had_trial, facts) in [
        (None, Trialing, true, vec![TrialStarted]),
        (None, Active, false, vec![]),
        (None, Active, true, vec![TrialStarted, TrialConverted]),
        (None, Canceled, true, vec![TrialStarted, TrialLost]),
        (Some(Trialing), Trialing, true, vec![]),
        (Some(Trialing), Active, true, vec![TrialConverted]),
        (Some(Trialing), Paused, true, vec![TrialLost]),
        (Some(Trialing), PastDue, true, vec![TrialLost]),
        (Some(Active), Canceled, true, vec![]),
        (Some(Active), Trialing, true, vec![TrialStarted]),
    ] {
        assert_eq!(trial_facts(before, after, had_trial), facts, "{before:?} {after}");
    }
}

proptest! {
    /// Any course of a tenant's subscriptions: per plan, per tenant and in all, the parts sum to where it stands.
    #[test]
    fn movements_sum_to_the_change(
        course in prop::collection::vec((0_usize..3, 0_usize..3, prop::sample::select(vec![0_i64, 500, 2900, 9900])), 1..40),
    ) {
        const PLANS: [&str; 3] = ["pro", "max", "sms"];
        let mut standings: [Option<Standing<'_>>; 3] = [None; 3];
        let (mut by_plan, mut tenants, mut subscriptions) = ([0_i64; 3], 0, [0_i64; 3]);
        let mut has_paid = false;
        for (which, plan, mrr) in course {
            let others = (0..3).filter(|other| *other != which)
                .filter_map(|other| standings[other]).map(|standing| standing.mrr).sum();
            let after = Standing { plan: PLANS[plan], mrr };
            for moved in movements(standings[which], after, Surroundings { others, has_paid }) {
                let place = PLANS.iter().position(|plan| *plan == moved.plan).unwrap();
                by_plan[place] += moved.amount;
                subscriptions[place] += moved.subscriptions;
                tenants += moved.tenants;
                match moved.fact {
                    Fact::New | Fact::Expansion | Fact::Reactivation => prop_assert!(moved.amount > 0),
                    Fact::Contraction | Fact::Churn => prop_assert!(moved.amount < 0),
                    Fact::Transfer => prop_assert_eq!(moved.tenants, 0),
                    _ => prop_assert!(false, "{} is no movement", moved.fact),
                }
                prop_assert!(!(has_paid && moved.fact == Fact::New));
            }
            standings[which] = Some(after);
            has_paid |= mrr > 0;
            let standing = |plan: &str| standings.iter().flatten().filter(|standing| standing.plan == plan).map(|standing| standing.mrr).collect::<Vec<_>>();
            for (place, plan) in PLANS.iter().enumerate() {
                prop_assert_eq!(by_plan[place], standing(plan).iter().sum::<i64>());
                let counted = standing(plan).iter().filter(|mrr| **mrr > 0).count();
                prop_assert_eq!(subscriptions[place], i64::try_from(counted).unwrap());
            }
            prop_assert_eq!(tenants, i64::from(by_plan.iter().sum::<i64>() > 0));
        }
    }

    /// A month is no more than a half off a twelfth of the year, line by line; and a discount never adds.
    #[test]
    fn a_month_is_a_twelfth(amounts in prop::collection::vec(0_i64..10_000_000, 0..6), off in 0_i64..1_000_000) {
        let lines: Vec<_> = amounts.iter().map(|amount| line(*amount, Interval::Year, 1)).collect();
        let sum = recurring(&lines, &[]).unwrap();
        let count = i64::try_from(lines.len()).unwrap();
        prop_assert!((sum.per_month * 12 - sum.per_period).abs() <= 6 * count);
        let less = recurring(&lines, &[Reduction::Amount(off)]).unwrap();
        prop_assert_eq!(less.per_period, (sum.per_period - off).max(0));
        prop_assert!(less.per_month <= sum.per_month && less.per_month >= 0);
    }
}
