//! Billing periods: where one ends and the next begins, counted from an anchor.

use serde::{Deserialize, Serialize};

use crate::price::Interval;
use crate::time::Timestamp;

/// The time from `start`, included, to `end`, excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Period {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Period {
    /// Whether `moment` is in it.
    pub fn contains(self, moment: Timestamp) -> bool {
        self.start <= moment && moment < self.end
    }
}

/// Periods of `count` intervals each, without gap or overlap, in both directions from the anchor.
///
/// Period k starts at anchor + k × `count` intervals. A day that a month does not have becomes its
/// last, always reckoned from the anchor's own day: Jan 31, Feb 28, Mar 31 (Stripe docs: Billing
/// cycle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recurrence {
    pub interval: Interval,
    /// Intervals in one period; with 0 there are no periods.
    pub count: u32,
    /// The start of period 0.
    pub anchor: Timestamp,
}

impl Recurrence {
    /// Period `k`. `None` where it leaves the range of [`Timestamp`].
    pub fn period(self, k: i64) -> Option<Period> {
        if self.count == 0 {
            return None;
        }
        Some(Period { start: self.start(k)?, end: self.start(k.checked_add(1)?)? })
    }

    /// The period that `moment` is in.
    pub fn containing(self, moment: Timestamp) -> Option<Period> {
        let (elapsed, length) = match self.length() {
            Length::Months(months) => (moment.month_number() - self.anchor.month_number(), months),
            Length::Seconds(seconds) => {
                let elapsed = moment.as_microsecond() - self.anchor.as_microsecond();
                (elapsed.div_euclid(1_000_000), seconds)
            }
        };
        let k = elapsed.checked_div_euclid(length)?;
        // Counted in months, `k` may be one too many: the anchor's day may be yet to come.
        let k = if self.start(k)? > moment { k - 1 } else { k };
        self.period(k)
    }

    fn start(self, k: i64) -> Option<Timestamp> {
        match self.length() {
            Length::Months(months) => self.anchor.plus_months(k.checked_mul(months)?),
            Length::Seconds(seconds) => {
                let shift = k.checked_mul(seconds)?.checked_mul(1_000_000)?;
                Timestamp::from_microsecond(self.anchor.as_microsecond().checked_add(shift)?)
            }
        }
    }

    fn length(self) -> Length {
        let count = i64::from(self.count);
        match self.interval {
            Interval::Day => Length::Seconds(count * 86_400),
            Interval::Week => Length::Seconds(count * 7 * 86_400),
            Interval::Month => Length::Months(count),
            Interval::Year => Length::Months(count * 12),
        }
    }
}

/// The calendar on which periods begin, as dates and not as a moment: months clamp the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Calendar {
    pub month: i8,
    /// Of the month; a month that does not have it takes its last.
    pub day: i8,
    pub hour: i8,
    pub minute: i8,
    pub second: i8,
}

impl Calendar {
    /// The calendar of whoever has this period, so that another subscription can be put on it.
    ///
    /// The end of a period does not tell the anchor's day where a short month has clamped it; its
    /// start does, where the period is a whole one. Of a part, such as a first period, the end tells.
    pub fn of(period: Period, interval: Interval, count: u32) -> Self {
        let (start, end) = (period.start.civil(), period.end.civil());
        let recurrence = |anchor| Recurrence { interval, count, anchor };
        let is_whole = recurrence(period.start).period(0) == Some(period)
            || recurrence(period.end).period(-1) == Some(period);
        Self {
            month: end.month(),
            day: if is_whole { start.day().max(end.day()) } else { end.day() },
            hour: end.hour(),
            minute: end.minute(),
            second: end.second(),
        }
    }
}

/// How long a period is: months differ, days in UTC do not.
enum Length {
    Months(i64),
    Seconds(i64),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::{at, moments};
    use proptest::prelude::*;

    fn recurrences() -> impl Strategy<Value = Recurrence> {
        (prop::sample::select(Interval::ALL), 1_u32..40, moments())
            .prop_map(|(interval, count, anchor)| Recurrence { interval, count, anchor })
    }

    #[test]
    fn the_day_is_reckoned_from_the_anchor() {
        let monthly =
            Recurrence { interval: Interval::Month, count: 1, anchor: at("2027-01-31T09:30:00Z") };
        for (k, day) in [
            (0, "2027-01-31"),
            (1, "2027-02-28"),
            (2, "2027-03-31"),
            (3, "2027-04-30"),
            (-2, "2026-11-30"),
        ] {
            let period = monthly.period(k).unwrap();
            assert_eq!(period.start, at(&format!("{day}T09:30:00Z")), "{k}");
        }
        let yearly =
            Recurrence { interval: Interval::Year, anchor: at("2028-02-29T00:00:00Z"), ..monthly };
        assert_eq!(yearly.period(1).unwrap().start, at("2029-02-28T00:00:00Z"));
        assert_eq!(yearly.period(4).unwrap().start, at("2032-02-29T00:00:00Z"));
        let weekly = Recurrence { interval: Interval::Week, count: 2, ..monthly };
        assert_eq!(weekly.period(1).unwrap().start, at("2027-02-14T09:30:00Z"));
    }

    #[test]
    fn the_last_moment_of_a_period_is_the_next_ones_first() {
        let monthly =
            Recurrence { interval: Interval::Month, count: 1, anchor: at("2027-01-31T09:30:00Z") };
        let (first, second) = (monthly.period(0), monthly.period(1));
        assert_eq!(monthly.containing(at("2027-02-28T09:29:59.999999Z")), first);
        assert_eq!(monthly.containing(at("2027-02-28T09:30:00Z")), second);
        assert!(!first.unwrap().contains(first.unwrap().end));
    }

    #[test]
    fn no_intervals_or_no_room_is_no_period() {
        let none =
            Recurrence { interval: Interval::Day, count: 0, anchor: at("2027-01-31T00:00:00Z") };
        assert_eq!((none.period(0), none.containing(none.anchor)), (None, None));
        let daily = Recurrence { count: 1, ..none };
        assert_eq!((daily.period(i64::MAX), daily.period(10_000_000)), (None, None));
    }

    #[test]
    fn a_calendar_is_told_by_a_period() {
        let period = |start: &str, end: &str| Period { start: at(start), end: at(end) };
        let cases = [
            ("2027-01-31T09:30:05Z", "2027-02-28T09:30:05Z", 31),
            ("2027-02-28T09:30:05Z", "2027-03-31T09:30:05Z", 31),
            ("2027-01-29T09:30:05Z", "2027-02-28T09:30:05Z", 29),
            ("2027-02-28T09:30:05Z", "2027-03-28T09:30:05Z", 28),
            // A trial of two weeks.
            ("2027-01-20T09:30:05Z", "2027-02-03T09:30:05Z", 3),
        ];
        for (start, end, day) in cases {
            let calendar = Calendar::of(period(start, end), Interval::Month, 1);
            assert_eq!((calendar.day, calendar.hour, calendar.second), (day, 9, 5), "{start}");
        }
        let leap = period("2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z");
        let calendar = Calendar::of(leap, Interval::Year, 1);
        assert_eq!((calendar.month, calendar.day), (2, 29));
    }

    proptest! {
        /// Whichever period of a recurrence is looked at, short month or long.
        #[test]
        fn a_calendar_is_the_anchors(anchor in moments(), k in 0_i64..48) {
            let monthly = Recurrence { interval: Interval::Month, count: 1, anchor };
            let told = Calendar::of(monthly.period(k).unwrap(), Interval::Month, 1);
            prop_assert_eq!(told.day, anchor.civil().day());
        }

        #[test]
        fn periods_tile_time(recurrence in recurrences(), k in -40_i64..40) {
            let (period, next) = (recurrence.period(k).unwrap(), recurrence.period(k + 1).unwrap());
            prop_assert!(period.start < period.end);
            prop_assert_eq!(period.end, next.start);
        }

        #[test]
        fn the_period_of_a_moment_contains_it(recurrence in recurrences(), moment in moments()) {
            let period = recurrence.containing(moment).unwrap();
            prop_assert!(period.contains(moment), "{:?}", period);
            prop_assert_eq!(recurrence.containing(period.start), Some(period));
        }

        /// No matter how many short months lie between, nothing drifts away from the anchor.
        #[test]
        fn months_never_drift(anchor in moments(), count in 1_u32..13, k in 0_i64..200) {
            let recurrence = Recurrence { interval: Interval::Month, count, anchor };
            prop_assert_eq!(
                recurrence.period(k).map(|period| period.start),
                anchor.plus_months(k * i64::from(count))
            );
        }
    }
}
