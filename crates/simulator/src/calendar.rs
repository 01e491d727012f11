//! Billing periods: counted from the anchor, in UTC, days clamped to the month.

use jiff::{Span, Timestamp, tz::TimeZone};

/// How long a period is: `interval_count` × `interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    pub interval: Interval,
    pub count: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    Day,
    Week,
    Month,
    Year,
}

impl Cadence {
    /// How many of `shorter` make one of these; none where no whole number does.
    pub fn in_units_of(self, shorter: Self) -> Option<i64> {
        let ((kind, length), (shorter_kind, unit)) = (self.length(), shorter.length());
        (kind == shorter_kind && unit > 0 && length % unit == 0).then_some(length / unit)
    }

    /// In days, or in months: the two have no common measure.
    fn length(self) -> (Interval, i64) {
        match self.interval {
            Interval::Day => (Interval::Day, self.count),
            Interval::Week => (Interval::Day, 7 * self.count),
            Interval::Month => (Interval::Month, self.count),
            Interval::Year => (Interval::Month, 12 * self.count),
        }
    }
}

impl Interval {
    pub const WORDS: [&'static str; 4] = ["day", "week", "month", "year"];

    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => return None,
        })
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// When period `k` begins: the anchor and `k` intervals, computed from the anchor each time, so that
/// a January 31st comes back to the 31st after February (Stripe docs: billing cycle).
///
/// Unix seconds. Past the end of jiff's calendar (the year 9999) time stands still.
pub fn period_start(anchor: i64, cadence: Cadence, k: i64) -> i64 {
    let length = cadence.count.saturating_mul(k);
    let span = match cadence.interval {
        Interval::Day => Span::new().try_days(length),
        Interval::Week => Span::new().try_weeks(length),
        Interval::Month => Span::new().try_months(length),
        Interval::Year => Span::new().try_years(length),
    };
    let moment = span
        .and_then(|span| Timestamp::from_second(anchor)?.to_zoned(TimeZone::UTC).checked_add(span));
    moment.map_or(i64::MAX, |moment| moment.timestamp().as_second())
}

/// `1 Sep 2026`, for invoice lines and pages.
pub fn day(moment: i64) -> String {
    Timestamp::from_second(moment).map_or_else(
        |_| String::new(),
        |moment| moment.to_zoned(TimeZone::UTC).strftime("%-d %b %Y").to_string(),
    )
}

/// `1 Sep 2026, 13:05 UTC`.
pub fn moment(moment: i64) -> String {
    Timestamp::from_second(moment).map_or_else(
        |_| String::new(),
        |moment| moment.to_zoned(TimeZone::UTC).strftime("%-d %b %Y, %H:%M UTC").to_string(),
    )
}

/// `2026-09-01T13:05:00.000Z`, as version 2 of the API writes moments.
pub fn timestamp(moment: i64) -> String {
    Timestamp::from_second(moment).map_or_else(
        |_| String::new(),
        |moment| moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
    )
}

/// Unix seconds of such a text.
pub fn read_timestamp(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// For the expiry of cards.
pub fn year_and_month(moment: i64) -> (i64, i64) {
    Timestamp::from_second(moment).map_or((0, 0), |moment| {
        let date = moment.to_zoned(TimeZone::UTC).date();
        (i64::from(date.year()), i64::from(date.month()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn days_are_clamped_from_the_anchor_day() {
        let month = Cadence { interval: Interval::Month, count: 1 };
        let anchor = at("2027-01-31T10:00:00Z");
        for (k, expected) in [
            (0, "2027-01-31T10:00:00Z"),
            (1, "2027-02-28T10:00:00Z"),
            (2, "2027-03-31T10:00:00Z"),
            (3, "2027-04-30T10:00:00Z"),
            (13, "2028-02-29T10:00:00Z"),
        ] {
            assert_eq!(period_start(anchor, month, k), at(expected), "period {k}");
        }
        let year = Cadence { interval: Interval::Year, count: 1 };
        assert_eq!(period_start(at("2028-02-29T00:00:00Z"), year, 1), at("2029-02-28T00:00:00Z"));
        let fortnight = Cadence { interval: Interval::Week, count: 2 };
        assert_eq!(period_start(anchor, fortnight, 1), anchor + 14 * 86_400);
    }

    #[test]
    fn some_intervals_are_whole_numbers_of_others() {
        use Interval::{Day, Month, Week, Year};

        let cadence = |interval, count| Cadence { interval, count };
        for (long, short, expected) in [
            (cadence(Year, 1), cadence(Month, 1), Some(12)),
            (cadence(Month, 6), cadence(Month, 3), Some(2)),
            (cadence(Week, 2), cadence(Day, 7), Some(2)),
            (cadence(Month, 1), cadence(Month, 1), Some(1)),
            (cadence(Month, 1), cadence(Week, 1), None),
            (cadence(Month, 3), cadence(Month, 2), None),
            (cadence(Month, 1), cadence(Year, 1), None),
        ] {
            assert_eq!(long.in_units_of(short), expected, "{long:?} in {short:?}");
        }
    }

    proptest! {
        #[test]
        fn periods_follow_each_other(
            anchor in 0_i64..4_000_000_000,
            k in 0_i64..500,
            count in 1_i64..12,
            word in 0_usize..4,
        ) {
            let interval = Interval::from_word(Interval::WORDS[word]).unwrap();
            let cadence = Cadence { interval, count };
            prop_assert!(period_start(anchor, cadence, k) < period_start(anchor, cadence, k + 1));
        }
    }
}
