//! How an add-on follows its base subscription: it renews, pauses and ends with it.
//!
//! After any change of the base, [`step`] says what is to be done about the add-on, one thing at a
//! time, until there is nothing: then both periods end at the same moment, or the add-on is over.

use crate::subscription::Status;
use crate::time::Timestamp;

/// What matters of a subscription here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    pub status: Status,
    pub started_at: Timestamp,
    pub period_end: Timestamp,
    pub cancel_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

/// Whose wish it is that an add-on ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOf {
    /// The base has an end: taken back with it.
    Base,
    /// Somebody ended the add-on itself: it stays.
    Addon,
}

/// What is to be done about an add-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It follows.
    Nothing,
    /// Stripe renews one of the two at this moment: look again afterwards.
    Wait,
    /// The base is over: end it now.
    End,
    /// It cannot go on as it was paid for: end it now, and credit what is left of its period.
    EndWithCredit,
    /// End it at this moment.
    EndAt(Timestamp, EndOf),
    /// The base will not end after all: neither will the add-on.
    GoOn,
    Pause,
    Resume,
    /// Their periods end at different moments: begin it anew on the calendar of the base.
    Realign,
}

/// The next thing to do about an add-on.
///
/// `fits` says whether the add-on may join the plan of the base at all; `end_of`, whose wish an end was
/// that is set for the add-on.
pub fn step(base: &Course, addon: &Course, fits: bool, end_of: EndOf, now: Timestamp) -> Step {
    if addon.status.is_terminal() {
        return Step::Nothing;
    }
    if base.status.is_terminal() {
        // Bought on a page that was still open: nobody has had anything of it.
        let too_late = base.ended_at.is_some_and(|ended| addon.started_at >= ended);
        return if too_late { Step::EndWithCredit } else { Step::End };
    }
    // An unpaid base grants nothing: nor is anything billed beside it.
    if matches!(base.status, Status::Paused | Status::Unpaid) {
        return if runs(addon) { Step::Pause } else { Step::Nothing };
    }
    if addon.status == Status::Paused {
        return Step::Resume;
    }
    if !fits {
        return Step::EndWithCredit;
    }
    match (base.cancel_at, addon.cancel_at, end_of) {
        (Some(end), None, _) => return Step::EndAt(end, EndOf::Base),
        (Some(end), Some(own), end_of) if own > end => return Step::EndAt(end, end_of),
        (base_end, Some(own), EndOf::Base) if base_end.is_none_or(|end| end > own) => {
            return Step::GoOn;
        }
        _ => {}
    }
    if base.period_end == addon.period_end || !runs(base) || !runs(addon) {
        return Step::Nothing;
    }
    if base.period_end <= now || addon.period_end <= now {
        return Step::Wait;
    }
    match (addon.cancel_at, end_of) {
        // It ends before its base renews.
        (Some(end), _) if end <= base.period_end.min(addon.period_end) => Step::Nothing,
        (Some(_), EndOf::Addon) => Step::EndAt(base.period_end.min(addon.period_end), EndOf::Addon),
        _ => Step::Realign,
    }
}

/// Whether Stripe renews it.
fn runs(course: &Course) -> bool {
    matches!(course.status, Status::Trialing | Status::Active | Status::PastDue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::at;
    use proptest::prelude::*;

    fn course(status: Status, period_end: &str, cancel_at: Option<&str>) -> Course {
        let ended_at = status.is_terminal().then(|| at(PAST));
        let (period_end, cancel_at) = (at(period_end), cancel_at.map(at));
        Course { status, started_at: at(LONG_AGO), period_end, cancel_at, ended_at }
    }

    const NOW: &str = "2027-01-10T00:00:00Z";
    const FEB: &str = "2027-02-01T00:00:00Z";
    const MAR: &str = "2027-03-01T00:00:00Z";
    const LONG_AGO: &str = "2026-01-01T00:00:00Z";
    const PAST: &str = "2027-01-09T00:00:00Z";

    #[test]
    fn each_difference_has_its_step() {
        use Status::{Active, Canceled, PastDue, Paused, Trialing, Unpaid};
        let active = |end| course(Active, end, None);
        let ending = |period_end, end| course(Active, period_end, Some(end));
        let cases = [
            ("equal", active(FEB), active(FEB), true, Step::Nothing),
            ("over", course(Canceled, FEB, None), course(Canceled, MAR, None), true, Step::Nothing),
            ("base over", course(Canceled, FEB, None), active(FEB), true, Step::End),
            ("base paused", course(Paused, FEB, None), active(FEB), true, Step::Pause),
            (
                "both paused",
                course(Paused, FEB, None),
                course(Paused, MAR, None),
                true,
                Step::Nothing,
            ),
            ("base goes on", active(FEB), course(Paused, FEB, None), true, Step::Resume),
            ("other plan", active(FEB), active(FEB), false, Step::EndWithCredit),
            ("base ends", ending(FEB, FEB), active(FEB), true, Step::EndAt(at(FEB), EndOf::Base)),
            (
                "base ends sooner",
                ending(FEB, FEB),
                ending(FEB, MAR),
                true,
                Step::EndAt(at(FEB), EndOf::Base),
            ),
            ("base goes on after all", active(MAR), ending(FEB, FEB), true, Step::GoOn),
            ("base moved", active(MAR), active(FEB), true, Step::Realign),
            ("base with an end moved", ending(MAR, MAR), ending(FEB, MAR), true, Step::Realign),
            ("base renewed first", active(MAR), active(PAST), true, Step::Wait),
            ("add-on renewed first", active(PAST), active(FEB), true, Step::Wait),
            (
                "trial of both",
                course(Trialing, FEB, None),
                course(Trialing, FEB, None),
                true,
                Step::Nothing,
            ),
            ("base unpaid", course(Unpaid, MAR, None), active(FEB), true, Step::Pause),
            ("base past due", course(PastDue, MAR, None), active(FEB), true, Step::Realign),
        ];
        for (name, base, addon, fits, expected) in cases {
            assert_eq!(step(&base, &addon, fits, EndOf::Base, at(NOW)), expected, "{name}");
        }
    }

    #[test]
    fn an_end_of_its_own_stays() {
        let running = course(Status::Active, FEB, None);
        let later = course(Status::Active, MAR, None);
        let ending = |period_end, end| course(Status::Active, period_end, Some(end));
        let cases = [
            (&running, ending(FEB, FEB), Step::Nothing),
            // The base was put on shorter periods, or longer ones.
            (&running, ending(MAR, MAR), Step::EndAt(at(FEB), EndOf::Addon)),
            (&later, ending(FEB, FEB), Step::Nothing),
            (&later, ending(FEB, MAR), Step::EndAt(at(FEB), EndOf::Addon)),
        ];
        for (base, addon, expected) in cases {
            assert_eq!(step(base, &addon, true, EndOf::Addon, at(NOW)), expected, "{addon:?}");
        }
        let ending_base = ending(FEB, FEB);
        let own_is_later = ending(MAR, MAR);
        let sooner = Step::EndAt(at(FEB), EndOf::Addon);
        assert_eq!(step(&ending_base, &own_is_later, true, EndOf::Addon, at(NOW)), sooner);
        assert_eq!(step(&running, &ending(FEB, FEB), true, EndOf::Base, at(NOW)), Step::GoOn);
    }

    #[test]
    fn what_was_bought_after_the_end_is_given_back() {
        let over = course(Status::Canceled, FEB, None);
        let mut addon = course(Status::Active, FEB, None);
        assert_eq!(step(&over, &addon, true, EndOf::Base, at(NOW)), Step::End);
        addon.started_at = at(NOW);
        assert_eq!(step(&over, &addon, true, EndOf::Base, at(NOW)), Step::EndWithCredit);
    }

    fn courses() -> impl Strategy<Value = Course> {
        let end = prop::sample::select(vec![PAST, FEB, MAR]);
        let status = prop::sample::select(Status::ALL);
        (status, end, prop::option::of(prop::sample::select(vec![FEB, MAR])))
            .prop_map(|(status, period_end, cancel_at)| course(status, period_end, cancel_at))
    }

    /// What Stripe makes of a step, as far as it concerns the rule.
    fn done(step: Step, base: &Course, addon: &mut Course, end_of: &mut EndOf) {
        match step {
            Step::Nothing | Step::Wait => {}
            Step::End | Step::EndWithCredit => addon.status = Status::Canceled,
            Step::EndAt(end, whose) => {
                (addon.cancel_at, *end_of) = (Some(end), whose);
                addon.period_end = addon.period_end.min(end);
            }
            Step::GoOn => addon.cancel_at = None,
            Step::Pause => addon.status = Status::Paused,
            Step::Resume => addon.status = Status::Active,
            Step::Realign => (addon.period_end, addon.cancel_at) = (base.period_end, None),
        }
    }

    proptest! {
        /// Step by step one arrives: both end together, or the add-on is over or halted. An end that
        /// somebody wished for the add-on itself is never taken back.
        #[test]
        fn steps_come_to_an_end(
            base in courses(),
            start in courses(),
            fits: bool,
            own: bool,
        ) {
            let mut addon = start;
            let mut end_of = if own { EndOf::Addon } else { EndOf::Base };
            let mut steps = 0;
            loop {
                let next = step(&base, &addon, fits, end_of, at(NOW));
                if matches!(next, Step::Nothing | Step::Wait) {
                    break;
                }
                done(next, &base, &mut addon, &mut end_of);
                if own && start.cancel_at.is_some() {
                    prop_assert!(addon.cancel_at.is_some() || addon.status.is_terminal());
                }
                steps += 1;
                prop_assert!(steps < 6, "{addon:?} never follows {base:?}");
            }
            let together = addon.period_end == base.period_end
                || addon.cancel_at.is_some_and(|end| end <= base.period_end.min(addon.period_end));
            let renewing = base.period_end <= at(NOW) || addon.period_end <= at(NOW);
            prop_assert!(
                together || renewing || !runs(&addon) || !runs(&base),
                "{addon:?} does not follow {base:?}"
            );
            if base.status.is_terminal() {
                prop_assert!(addon.status.is_terminal());
            }
        }
    }
}
