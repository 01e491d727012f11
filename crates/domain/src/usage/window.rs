//! When a report may come, and which windows it counts in.

use thiserror::Error;

use crate::period::{Period, Recurrence};
use crate::plan::LimitPeriod;
use crate::price::Interval;
use crate::text::words;
use crate::time::Timestamp;

/// How late a report may come. Stripe takes meter events no older than this, too.
pub const DAYS_LATE_MAX: i64 = 35;
/// How far ahead of our clock a report's own may run.
pub const SECONDS_AHEAD_MAX: i64 = 300;
/// A report that is later than this counts in no minute: nobody asks for that one any more.
const SECONDS_OF_MINUTES: i64 = 120;

words! {
    /// The time over which reports are summed up.
    pub enum Window, "a window" {
        /// A minute in UTC; kept for a short while, for limits per minute.
        Minute = "minute",
        /// An hour in UTC.
        Hour = "hour",
        /// A day in UTC.
        Day = "day",
        /// A calendar month in UTC.
        Month = "month",
        /// A billing period of the tenant.
        Period = "period",
        /// The part of a billing period that came too late for its own: it is in the period's total, too.
        Adjustment = "adjustment",
    }
}

/// The report is too old or from the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UntimelyError {
    #[error("must not be more than 35 days ago: what is older is billed and closed")]
    TooOld,
    #[error("must not be more than 5 minutes ahead: check the clock of the reporter")]
    Ahead,
}

/// Whether what occurred then may still be reported now.
pub fn check_time(occurred_at: Timestamp, now: Timestamp) -> Result<(), UntimelyError> {
    if occurred_at < now.plus_days(-DAYS_LATE_MAX) {
        Err(UntimelyError::TooOld)
    } else if occurred_at > now.plus_seconds(SECONDS_AHEAD_MAX) {
        Err(UntimelyError::Ahead)
    } else {
        Ok(())
    }
}

/// Where a report counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The start of the billing period it counts in.
    pub period: Timestamp,
    /// Whether its own period was closed already.
    pub is_adjustment: bool,
    /// Whether its minute is not long over.
    is_recent: bool,
    occurred_at: Timestamp,
}

/// Where a report counts that is received `now`, by the billing period that we know of.
///
/// The period is closed by the clock: at its end the next one begins, whether we were told of it by then
/// or not. What belongs to a closed period counts in the open one, as an adjustment.
pub fn place(occurred_at: Timestamp, known: Period, now: Timestamp) -> Placement {
    let open = if now < known.end { known.start } else { known.end };
    // A little ahead of the clock may be ahead of the period's end.
    let period = if occurred_at >= known.end { known.end } else { open };
    let is_recent = occurred_at >= now.plus_seconds(-SECONDS_OF_MINUTES);
    Placement { period, is_adjustment: occurred_at < open, is_recent, occurred_at }
}

/// The billing period that is open at `now`, by the one that we know of; where there is none, the
/// calendar month.
///
/// Where its end has come and Stripe has not told us of the next one, that one is taken to be as long.
pub fn open_period(known: Option<Period>, now: Timestamp) -> Period {
    match known {
        None => calendar_month(now),
        Some(known) if now < known.end => known,
        Some(known) => {
            let length = known.end.seconds_since(known.start);
            Period { start: known.end, end: known.end.plus_seconds(length) }
        }
    }
}

/// The window that counts against a limit at `now`, and when it is over. None for a gauge, which no time
/// ends.
pub fn window_of(per: LimitPeriod, open: Period, now: Timestamp) -> Option<(Window, Period)> {
    let lasting = |window: Window, seconds: i64| {
        let start = window.start(now);
        (window, Period { start, end: start.plus_seconds(seconds) })
    };
    match per {
        LimitPeriod::Minute => Some(lasting(Window::Minute, 60)),
        LimitPeriod::Day => Some(lasting(Window::Day, 86_400)),
        LimitPeriod::Month => Some((Window::Month, calendar_month(now))),
        LimitPeriod::Period => Some((Window::Period, open)),
        LimitPeriod::Gauge => None,
    }
}

impl Placement {
    /// Every window and its start. Minutes, hours, days and months are always the report's own.
    pub fn windows(self) -> impl Iterator<Item = (Window, Timestamp)> {
        let calendar = [Window::Hour, Window::Day, Window::Month]
            .map(|window| (window, window.start(self.occurred_at)));
        let minute = (Window::Minute, Window::Minute.start(self.occurred_at));
        let minute = self.is_recent.then_some(minute);
        let adjustment = self.is_adjustment.then_some((Window::Adjustment, self.period));
        calendar.into_iter().chain([(Window::Period, self.period)]).chain(minute).chain(adjustment)
    }
}

impl Window {
    /// When the window of the calendar begins that `moment` is in. A billing period is no such window:
    /// of it, and of its adjustments, this is the moment itself.
    pub fn start(self, moment: Timestamp) -> Timestamp {
        let floor = |seconds: i64| {
            let second =
                moment.as_microsecond().div_euclid(1_000_000).div_euclid(seconds) * seconds;
            Timestamp::from_second(second).unwrap_or(Timestamp::MIN)
        };
        match self {
            Self::Minute => floor(60),
            Self::Hour => floor(3_600),
            Self::Day => floor(86_400),
            Self::Month => calendar_month(moment).start,
            Self::Period | Self::Adjustment => moment,
        }
    }
}

/// The calendar month that `moment` is in: the billing period of a tenant without a subscription.
pub fn calendar_month(moment: Timestamp) -> Period {
    let anchor = Timestamp::from_second(0).unwrap_or(Timestamp::MIN);
    let months = Recurrence { interval: Interval::Month, count: 1, anchor };
    months.containing(moment).unwrap_or(Period { start: moment, end: moment })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::{at, moments};
    use proptest::prelude::*;

    #[test]
    fn windows_begin_on_the_calendar() {
        for (window, moment, start) in [
            (Window::Minute, "2027-03-01T12:59:59.999999Z", "2027-03-01T12:59:00Z"),
            (Window::Hour, "2027-03-01T12:59:59.999999Z", "2027-03-01T12:00:00Z"),
            (Window::Hour, "2027-03-01T12:00:00Z", "2027-03-01T12:00:00Z"),
            (Window::Day, "2027-03-01T23:59:59.999999Z", "2027-03-01T00:00:00Z"),
            (Window::Month, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z"),
            (Window::Month, "2026-12-31T23:59:59.999999Z", "2026-12-01T00:00:00Z"),
            (Window::Day, "1969-12-31T23:00:00.5Z", "1969-12-31T00:00:00Z"),
        ] {
            assert_eq!(window.start(at(moment)), at(start), "{window} {moment}");
        }
    }

    #[test]
    fn reports_come_in_time() {
        let now = at("2027-03-10T12:00:00Z");
        for (moment, expected) in [
            ("2027-03-10T12:00:00Z", Ok(())),
            ("2027-03-10T12:05:00Z", Ok(())),
            ("2027-03-10T12:05:00.000001Z", Err(UntimelyError::Ahead)),
            ("2027-02-03T12:00:00Z", Ok(())),
            ("2027-02-03T11:59:59.999999Z", Err(UntimelyError::TooOld)),
        ] {
            assert_eq!(check_time(at(moment), now), expected, "{moment}");
        }
    }

    #[test]
    fn late_reports_count_in_their_own_period_while_it_is_open() {
        let known = Period { start: at("2027-02-10T09:30:00Z"), end: at("2027-03-10T09:30:00Z") };
        let (start, end) = (known.start, known.end);
        for (occurred, now, period, is_adjustment) in [
            ("2027-03-01T00:00:00Z", "2027-03-01T00:00:00Z", start, false),
            ("2027-02-10T09:30:00Z", "2027-03-10T09:29:59Z", start, false),
            ("2027-02-10T09:29:59.999999Z", "2027-02-10T09:30:00Z", start, true),
            // The end has come, and nobody told us of the next period yet.
            ("2027-03-10T09:29:59.999999Z", "2027-03-10T09:30:00Z", end, true),
            ("2027-03-10T09:30:00Z", "2027-03-10T09:30:00Z", end, false),
            // The reporter's clock is ahead.
            ("2027-03-10T09:31:00Z", "2027-03-10T09:29:00Z", end, false),
        ] {
            let placed = place(at(occurred), known, at(now));
            assert_eq!(
                (placed.period, placed.is_adjustment),
                (period, is_adjustment),
                "{occurred}"
            );
            let adjusts = placed.windows().any(|(window, _)| window == Window::Adjustment);
            assert_eq!(adjusts, is_adjustment);
        }
    }

    #[test]
    fn a_minute_is_counted_only_while_somebody_may_ask_for_it() {
        let known = Period { start: at("2027-02-10T09:30:00Z"), end: at("2027-03-10T09:30:00Z") };
        let now = at("2027-03-01T12:00:30Z");
        for (occurred, minute) in [
            ("2027-03-01T12:00:29Z", Some("2027-03-01T12:00:00Z")),
            ("2027-03-01T12:05:00Z", Some("2027-03-01T12:05:00Z")),
            ("2027-03-01T11:58:30Z", Some("2027-03-01T11:58:00Z")),
            ("2027-03-01T11:58:29Z", None),
        ] {
            let mut windows = place(at(occurred), known, now).windows();
            let found = windows.find(|(window, _)| *window == Window::Minute);
            assert_eq!(found.map(|(_, start)| start), minute.map(at), "{occurred}");
        }
    }

    #[test]
    fn a_limit_is_counted_in_the_window_that_is_open() {
        let now = at("2027-03-10T12:34:56Z");
        let known = Period { start: at("2027-02-10T09:30:00Z"), end: at("2027-03-10T09:30:00Z") };
        let open = open_period(Some(known), now);
        for (per, expected) in [
            (LimitPeriod::Minute, Some(("2027-03-10T12:34:00Z", "2027-03-10T12:35:00Z"))),
            (LimitPeriod::Day, Some(("2027-03-10T00:00:00Z", "2027-03-11T00:00:00Z"))),
            (LimitPeriod::Month, Some(("2027-03-01T00:00:00Z", "2027-04-01T00:00:00Z"))),
            // As long as the one before: 28 days.
            (LimitPeriod::Period, Some(("2027-03-10T09:30:00Z", "2027-04-07T09:30:00Z"))),
            (LimitPeriod::Gauge, None),
        ] {
            let span = window_of(per, open, now).map(|(_, span)| (span.start, span.end));
            assert_eq!(span, expected.map(|(start, end)| (at(start), at(end))), "{per}");
        }
        let free = open_period(None, now);
        assert_eq!(free.end, at("2027-04-01T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn the_window_of_a_moment_begins_before_it(moment in moments()) {
            for (window, days) in [(Window::Minute, 1), (Window::Hour, 1), (Window::Day, 1), (Window::Month, 31)] {
                let start = window.start(moment);
                prop_assert!(start <= moment && moment < start.plus_days(days));
                prop_assert_eq!(window.start(start), start);
            }
        }

        /// However late, a report counts in exactly one billing period, and in one that is not closed.
        #[test]
        fn nothing_is_added_to_a_closed_period(
            occurred in moments(), start in moments(), days in 1_i64..400, waited in 0_i64..100_000_000,
        ) {
            let known = Period { start, end: start.plus_days(days) };
            let now = start.plus_seconds(waited);
            let placed = place(occurred, known, now);
            prop_assert!(placed.period == known.end || now < known.end);
            let periods = placed.windows().filter(|(window, _)| *window == Window::Period).count();
            prop_assert_eq!(periods, 1);
        }
    }
}
