//! The ledger by hand, and what holds of every one: nothing comes from nowhere, nothing is lost.

use super::*;
use crate::id::v7;
use crate::time::tests::at;
use proptest::prelude::*;

fn day(number: i64) -> Timestamp {
    at("2027-01-01T00:00:00Z").plus_days(number)
}

fn whole(amount: u64) -> Quantity {
    Quantity::from_whole(amount)
}

fn grant(key: u8, amount: u64, granted: i64, expires: Option<i64>) -> Grant {
    Grant {
        id: CreditGrantId::from_uuid(v7(1, [key; 10])),
        amount: whole(amount),
        granted_at: day(granted),
        expires_at: expires.map(day),
    }
}

/// Periods of thirty days.
fn reading(now: i64, period: i64, included: &[(u32, u64)], used: u64) -> Reading {
    Reading {
        at: day(now),
        period: Period { start: day(period * 30), end: day(period * 30 + 30) },
        included: included.iter().copied().collect(),
        used: whole(used),
    }
}

/// Kind, amount and balance of each line.
fn lines(ledger: &Ledger) -> Vec<String> {
    ledger.entries.iter().map(|it| format!("{} {} {}", it.kind, it.amount, it.balance)).collect()
}

#[test]
fn five_hundred_included_and_585_used() {
    let of = ledger(&[], &[reading(10, 0, &[(0, 500)], 585)]);
    assert_eq!(lines(&of), ["included 500 500", "spent -500 0"]);
    assert_eq!((of.balance, of.overage()), (Quantity::ZERO, whole(85)));
}

#[test]
fn what_expires_first_is_spent_first_and_the_rest_is_lost() {
    let grants = [grant(1, 100, 1, None), grant(2, 50, 1, Some(10)), grant(3, 50, 2, Some(40))];
    let month = [(0, 500)];
    let readings = [
        reading(0, 0, &month, 0),
        // The grant of ten days is over, twenty of it unused.
        reading(10, 0, &month, 30),
        // The period is over, and another one has begun.
        reading(30, 0, &month, 510),
        reading(30, 1, &month, 0),
        reading(35, 1, &month, 560),
    ];
    let of = ledger(&grants, &readings);
    let expected = [
        "included 500 500",
        "granted 100 600",
        "granted 50 650",
        "granted 50 700",
        "spent -30 670",
        "expired -20 650",
        "spent -480 170",
        "expired -20 150",
        "included 500 650",
        "spent -50 600",
        "spent -500 100",
        "spent -10 90",
    ];
    assert_eq!(lines(&of), expected);
    let left: Vec<_> = of.lots.iter().map(|lot| (lot.source, lot.left)).collect();
    assert_eq!(left, [(Source::Grant(grants[0].id), whole(90))]);
    assert_eq!(of.overage(), Quantity::ZERO);
}

#[test]
fn what_rolls_over_lives_on_for_its_days() {
    let month = [(45, 100)];
    let readings = [
        reading(0, 0, &month, 0),
        reading(30, 0, &month, 40),
        reading(30, 1, &month, 0),
        reading(60, 1, &month, 70),
        reading(60, 2, &month, 0),
        reading(74, 2, &month, 10),
    ];
    let of = ledger(&[], &readings);
    let expected = [
        "included 100 100",
        "spent -40 60",
        "included 100 160",
        // Of the first month's first.
        "spent -60 100",
        "spent -10 90",
        "included 100 190",
        "spent -10 180",
    ];
    assert_eq!(lines(&of), expected);
    // Past its days, the second month's rest is lost.
    let of = ledger(&[], &[&readings[..], &[reading(110, 3, &month, 0)]].concat());
    assert_eq!(lines(&of)[7..], ["expired -80 100", "included 100 200"]);
}

#[test]
fn another_plan_includes_more_or_less_and_never_takes_what_was_spent() {
    let readings = [
        reading(0, 0, &[(0, 500)], 0),
        reading(3, 0, &[(0, 2000)], 100),
        reading(6, 0, &[(0, 50)], 600),
        reading(9, 0, &[(0, 50)], 700),
        reading(30, 0, &[(0, 50)], 700),
        reading(30, 1, &[(0, 50)], 0),
    ];
    let of = ledger(&[], &readings);
    let expected = [
        "included 500 500",
        "included 1500 2000",
        "spent -100 1900",
        "included -1900 0",
        "overage 600 0",
        "included 50 50",
    ];
    assert_eq!(lines(&of), expected);
}

#[test]
fn a_period_that_is_left_early_ends_with_its_credits() {
    // Free by the calendar, then subscribed on the tenth day; and back again.
    let subscribed = Reading {
        period: Period { start: day(10), end: day(40) },
        ..reading(10, 0, &[(0, 500)], 0)
    };
    let readings = [
        reading(0, 0, &[(0, 50)], 20),
        reading(10, 0, &[(0, 50)], 20),
        subscribed.clone(),
        Reading { at: day(15), used: whole(8), ..subscribed },
        reading(15, 0, &[(0, 50)], 25),
    ];
    let of = ledger(&[], &readings);
    let expected = [
        "included 50 50",
        "spent -20 30",
        "expired -30 0",
        "included 500 500",
        "spent -8 492",
        "expired -492 0",
    ];
    assert_eq!(lines(&of), expected);
    assert_eq!(of.overage(), whole(5), "what was included in that month was given once");
}

#[test]
fn a_later_grant_covers_what_the_open_period_owes() {
    let month = [(0, 100)];
    let used = [reading(5, 0, &month, 130)];
    assert_eq!(ledger(&[], &used).overage(), whole(30));
    let helped = [used[0].clone(), reading(7, 0, &month, 130)];
    let of = ledger(&[grant(1, 20, 6, None)], &helped);
    assert_eq!((of.overage(), of.balance), (whole(10), Quantity::ZERO));
}

/// A history as it might come: readings in order of time, usage that grows within a period.
fn histories() -> impl Strategy<Value = (Vec<Grant>, Vec<Reading>)> {
    let grants =
        prop::collection::vec((1_u64..300, 0_i64..120, prop::option::of(0_i64..150)), 0..6);
    let steps = prop::collection::vec((0_i64..20, 0_u64..200, 0_u64..400, 0_u32..40), 1..20);
    (grants, steps).prop_map(|(mut grants, steps)| {
        grants.sort_by_key(|grant| grant.1);
        let grants = (0..)
            .zip(grants)
            .map(|(key, (amount, from, days))| {
                grant(key, amount, from, days.map(|days| from + 1 + days))
            })
            .collect();
        let (mut now, mut period, mut used, mut readings) = (0, 0, 0, Vec::new());
        for (later, more, included, days) in steps {
            now += later;
            used += more;
            let included = [(days / 20 * 20, included)];
            readings.push(reading(now, period, &included, used));
            if now >= period * 30 + 30 {
                (period, used) = (now / 30, 0);
                readings.push(reading(now, period, &included, 0));
            }
        }
        (grants, readings)
    })
}

fn sum(ledger: &Ledger, kinds: &[EntryKind]) -> Quantity {
    let of = ledger.entries.iter().filter(|entry| kinds.contains(&entry.kind));
    of.fold(Quantity::ZERO, |sum, entry| sum.plus(entry.amount))
}

proptest! {
    /// What came is what was spent, what expired, and what is left; and every line says so.
    #[test]
    fn nothing_comes_from_nowhere_and_nothing_is_lost((grants, readings) in histories()) {
        let of = ledger(&grants, &readings);
        let came = sum(&of, &[EntryKind::Included, EntryKind::Granted]);
        let went = sum(&of, &[EntryKind::Spent, EntryKind::Expired]);
        let left = of.lots.iter().fold(Quantity::ZERO, |sum, lot| sum.plus(lot.left));
        prop_assert_eq!(came.plus(went), left);
        prop_assert_eq!(of.balance, left);
        let mut balance = Quantity::ZERO;
        for entry in &of.entries {
            if entry.kind != EntryKind::Overage {
                balance = balance.plus(entry.amount);
            }
            prop_assert_eq!(entry.balance, balance);
            prop_assert!(!balance.is_negative(), "{:?}", entry);
        }
    }

    /// What was used is what credits covered and what is overage, over all periods.
    #[test]
    fn what_was_used_is_covered_or_overage((grants, readings) in histories()) {
        let of = ledger(&grants, &readings);
        let mut used: BTreeMap<Timestamp, Quantity> = BTreeMap::new();
        for reading in &readings {
            used.insert(reading.period.start, reading.used);
        }
        let used = used.into_values().fold(Quantity::ZERO, Quantity::plus);
        let spent = Quantity::ZERO.minus(sum(&of, &[EntryKind::Spent]));
        let overage = sum(&of, &[EntryKind::Overage]).plus(of.overage());
        prop_assert_eq!(spent.plus(overage), used);
    }

    /// What is written stays: a longer history begins with the same lines.
    #[test]
    fn lines_never_change((grants, readings) in histories(), cut in 0_usize..20) {
        let cut = cut.min(readings.len());
        let until = readings[..cut].last().map_or(day(-1), |last| last.at);
        let known: Vec<Grant> = grants.iter().copied().filter(|it| it.granted_at <= until).collect();
        let (before, after) = (ledger(&known, &readings[..cut]), ledger(&grants, &readings));
        prop_assert!(after.entries.starts_with(&before.entries));
    }

    /// Looking more often changes nothing.
    #[test]
    fn a_reading_twice_is_a_reading_once((grants, readings) in histories()) {
        let twice: Vec<Reading> =
            readings.iter().flat_map(|reading| [reading.clone(), reading.clone()]).collect();
        prop_assert_eq!(ledger(&grants, &twice), ledger(&grants, &readings));
    }
}
