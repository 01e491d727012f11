//! Telling a meter at Stripe what was counted: in which moment's name, and what becomes of it.

use super::{Window, place};
use crate::period::Period;
use crate::plan::Aggregation;
use crate::text::words;
use crate::time::Timestamp;

words! {
    /// Where a meter event stands.
    pub enum MeterEventState, "a state of a meter event" {
        /// It will be sent, or sent again.
        Pending = "pending",
        /// Stripe has it.
        Sent = "sent",
        /// Stripe will not count it as it is.
        Refused = "refused",
        /// It was sent once, nobody knows whether Stripe has it, and Stripe would no longer notice a second one.
        Unclear = "unclear",
    }
}

/// How long we rely on Stripe to know an identifier again. It promises a day; the hour is for clocks.
pub const IDENTIFIER_SECONDS: i64 = 23 * 3600;

impl Aggregation {
    /// Whether quantities of two hours add up: then Stripe is told differences, and adds them up itself. Of the
    /// others it is told where the billing period stands, and takes the last.
    pub const fn is_added_up(self) -> bool {
        matches!(self, Self::Sum | Self::Count)
    }
}

/// When the billable hour begins that a report counts in: the hour it occurred in, but not before its billing
/// period. An hour in which a period ends is two billable hours.
pub fn billable_hour(occurred_at: Timestamp, period_start: Timestamp) -> Timestamp {
    Window::Hour.start(occurred_at).max(period_start)
}

/// In which moment's name Stripe is told `now` what a billable hour comes to.
///
/// Stripe bills by that moment, and a period that is over is billed: what is told after its end counts in the
/// one that is open, as late reports do. What was used before the subscription began stays before it.
pub fn told_at(hour: Timestamp, began_at: Timestamp, known: Period, now: Timestamp) -> Timestamp {
    if hour < began_at { hour } else { hour.max(place(hour, known, now).period) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::{at, moments};
    use proptest::prelude::*;

    #[test]
    fn an_hour_in_which_a_period_begins_is_two_billable_hours() {
        let period = at("2027-02-10T09:30:00Z");
        for (occurred, hour) in [
            ("2027-02-10T09:30:00Z", "2027-02-10T09:30:00Z"),
            ("2027-02-10T09:59:59.999999Z", "2027-02-10T09:30:00Z"),
            ("2027-02-10T10:00:00Z", "2027-02-10T10:00:00Z"),
            // Too late for its own period.
            ("2027-02-09T23:00:00Z", "2027-02-10T09:30:00Z"),
        ] {
            assert_eq!(billable_hour(at(occurred), period), at(hour), "{occurred}");
        }
    }

    #[test]
    fn what_is_told_late_counts_in_the_open_period() {
        let began = at("2027-01-10T09:30:00Z");
        let known = Period { start: at("2027-02-10T09:30:00Z"), end: at("2027-03-10T09:30:00Z") };
        for (hour, now, told) in [
            ("2027-03-01T10:00:00Z", "2027-03-01T10:01:00Z", "2027-03-01T10:00:00Z"),
            ("2027-03-10T09:00:00Z", "2027-03-10T09:29:59Z", "2027-03-10T09:00:00Z"),
            ("2027-03-10T09:00:00Z", "2027-03-10T09:30:00Z", "2027-03-10T09:30:00Z"),
            // Stripe has told us of the next period already.
            ("2027-02-10T09:00:00Z", "2027-02-10T09:30:05Z", "2027-02-10T09:30:00Z"),
            // Before there was a subscription, nothing is to be billed.
            ("2027-01-10T09:00:00Z", "2027-02-11T00:00:00Z", "2027-01-10T09:00:00Z"),
        ] {
            assert_eq!(told_at(at(hour), began, known, at(now)), at(told), "{hour} {now}");
        }
    }

    proptest! {
        /// Whatever is told is billed in a period that is not over yet.
        #[test]
        fn nothing_is_told_of_a_closed_period(
            hour in moments(), start in moments(), days in 1_i64..400, waited in 0_i64..100_000_000,
        ) {
            let known = Period { start, end: start.plus_days(days) };
            let now = start.plus_seconds(waited);
            let told = told_at(hour, Timestamp::MIN, known, now);
            prop_assert!(told >= hour && told >= start);
            prop_assert!(now < known.end || told >= known.end);
        }
    }
}
