//! Moments in UTC, to the microsecond; no clock: whoever needs «now» is told it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};
use thiserror::Error;

use crate::text::text_serde;

/// A moment between the years 0 and 9999, in UTC, to the microsecond (what both databases keep).
///
/// Its text and its JSON are RFC 3339: `2026-09-08T00:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

/// The text is not a moment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a moment; write it as `2026-09-08T00:00:00Z`")]
pub struct InvalidTimestamp(pub String);

impl Timestamp {
    /// The first moment of the year 0: before it, text would no longer sort as time does.
    pub const MIN: Self = Self(jiff::Timestamp::constant(-62_167_219_200, 0));
    /// Almost the end of the year 9999.
    pub const MAX: Self = Self(jiff::Timestamp::constant(253_402_207_200, 999_999_000));

    /// From seconds since 1970, as Stripe counts. `None` outside [`Self::MIN`] to [`Self::MAX`].
    pub fn from_second(second: i64) -> Option<Self> {
        Self::from_microsecond(second.checked_mul(1_000_000)?)
    }

    /// From microseconds since 1970. `None` outside [`Self::MIN`] to [`Self::MAX`].
    pub fn from_microsecond(microsecond: i64) -> Option<Self> {
        let moment = Self(jiff::Timestamp::from_microsecond(microsecond).ok()?);
        (Self::MIN..=Self::MAX).contains(&moment).then_some(moment)
    }

    /// From what HTTP writes in a `Date`: `Sat, 21 Nov 2026 15:10:48 GMT`.
    pub fn from_http_date(text: &str) -> Option<Self> {
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(Self)
    }

    /// Whole seconds since 1970, cut towards it.
    pub fn as_second(self) -> i64 {
        self.0.as_second()
    }

    /// Whole milliseconds since 1970, cut towards it.
    pub fn as_millisecond(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Microseconds since 1970.
    pub fn as_microsecond(self) -> i64 {
        self.0.as_microsecond()
    }

    /// With exactly six digits of fraction: sorts as text as it sorts in time.
    pub fn fixed_width(self) -> String {
        format!("{:.6}", self.0)
    }

    /// The day: `2026-09-08`.
    pub fn date(self) -> String {
        self.civil().date().to_string()
    }

    /// So many seconds later, or earlier where negative; stops at [`Self::MIN`] and [`Self::MAX`].
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let limit = if seconds < 0 { Self::MIN } else { Self::MAX };
        self.0
            .checked_add(SignedDuration::from_secs(seconds))
            .map_or(limit, |moment| Self(moment).clamp(Self::MIN, Self::MAX))
    }

    /// So many days of 24 hours later, as [`Self::plus_seconds`].
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(86_400))
    }

    /// The same day and time so many calendar months later; a day the month does not have becomes
    /// its last: Jan 31 and one month is Feb 28.
    pub fn plus_months(self, months: i64) -> Option<Self> {
        let span = Span::new().try_months(months).ok()?;
        let shifted = self.civil().checked_add(span).ok()?.to_zoned(TimeZone::UTC).ok()?;
        Self::from_microsecond(shifted.timestamp().as_microsecond())
    }

    /// Whole seconds from `earlier` until this moment; negative where it is later.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        (self.as_microsecond() - earlier.as_microsecond()) / 1_000_000
    }

    /// Calendar months since January of the year 0.
    pub(crate) fn month_number(self) -> i64 {
        let date = self.civil();
        i64::from(date.year()) * 12 + i64::from(date.month()) - 1
    }

    pub(crate) fn civil(self) -> DateTime {
        self.0.to_zoned(TimeZone::UTC).datetime()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .and_then(|moment| Self::from_microsecond(moment.as_microsecond()))
            .ok_or_else(|| InvalidTimestamp(text.to_owned()))
    }
}

text_serde!(Timestamp);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Any moment between 1970 and 2100, to the microsecond.
    pub(crate) fn moments() -> impl Strategy<Value = Timestamp> {
        (0..4_102_444_800_000_000_i64)
            .prop_map(|microsecond| Timestamp::from_microsecond(microsecond).unwrap())
    }

    #[test]
    fn text_has_a_fraction_only_when_there_is_one() {
        let whole = Timestamp::from_second(1_788_825_600).unwrap();
        assert_eq!(whole.to_string(), "2026-09-08T00:00:00Z");
        assert_eq!(whole.fixed_width(), "2026-09-08T00:00:00.000000Z");
        assert_eq!(at("2026-09-08T02:00:00.25+02:00").to_string(), "2026-09-08T00:00:00.25Z");
        assert_eq!(at("2026-09-08T00:00:00.123456789Z").as_microsecond() % 1_000_000, 123_456);
        assert!("2026-09-08".parse::<Timestamp>().is_err());
    }

    #[test]
    fn months_clamp_to_the_last_day() {
        for (months, day) in
            [(1, "2027-02-28"), (2, "2027-03-31"), (13, "2028-02-29"), (-2, "2026-11-30")]
        {
            let shifted = at("2027-01-31T10:00:00Z").plus_months(months).unwrap();
            assert_eq!(shifted.to_string(), format!("{day}T10:00:00Z"));
        }
    }

    #[test]
    fn the_range_has_ends() {
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_second(i64::MAX), None);
        assert_eq!(Timestamp::from_second(Timestamp::MIN.as_second() - 1), None);
        assert_eq!(Timestamp::MAX.plus_days(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.plus_seconds(-1), Timestamp::MIN);
        assert_eq!(Timestamp::MAX.plus_months(1), None);
    }

    proptest! {
        #[test]
        fn fixed_width_sorts_as_time_does(a in moments(), b in moments()) {
            prop_assert_eq!(a.cmp(&b), a.fixed_width().cmp(&b.fixed_width()));
        }

        #[test]
        fn text_and_seconds_lead_back(moment in moments(), seconds in -1_000_000_i64..1_000_000) {
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            prop_assert_eq!(moment.fixed_width().parse(), Ok(moment));
            prop_assert_eq!(moment.plus_seconds(seconds).seconds_since(moment), seconds);
        }
    }
}
