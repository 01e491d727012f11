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
    pub period_end: Timestamp,
    pub cancel_at: Option<Timestamp>,
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
    /// It cannot go on beside this plan: end it now, and credit what is left of its period.
    EndWithCredit,
    /// The base will end: end it then.
    EndAt(Timestamp),
    /// The base will not end after all: neither will the add-on.
    GoOn,
    Pause,
    Resume,
    /// Their periods end at different moments: begin it anew on the calendar of the base.
    Realign,
}

/// The next thing to do about an add-on.
///
/// `fits` says whether the add-on may join the plan of the base at all. `follows_end` says whether the
/// end that is set for the add-on was set because the base had one; an end of its own stays.
pub fn step(base: &Course, addon: &Course, fits: bool, follows_end: bool, now: Timestamp) -> Step {
    if addon.status.is_terminal() {
        return Step::Nothing;
    }
    if base.status.is_terminal() {
        return Step::End;
    }
    if base.status == Status::Paused {
        return if runs(addon) { Step::Pause } else { Step::Nothing };
    }
    if addon.status == Status::Paused {
        return Step::Resume;
    }
    if !fits {
        return Step::EndWithCredit;
    }
    match (base.cancel_at, addon.cancel_at) {
        (Some(end), own) if own.is_none_or(|own| own > end) => return Step::EndAt(end),
        (base_end, Some(own)) if follows_end && base_end.is_none_or(|end| end > own) => {
            return Step::GoOn;
        }
        _ => {}
    }
    let ends_before =
        addon.cancel_at.is_some_and(|end| end <= base.period_end && end <= addon.period_end);
    if base.period_end == addon.period_end || ends_before || !runs(base) || !runs(addon) {
        return Step::Nothing;
    }
    if base.period_end <= now || addon.period_end <= now { Step::Wait } else { Step::Realign }
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
        Course { status, period_end: at(period_end), cancel_at: cancel_at.map(at) }
    }

    const NOW: &str = "2027-01-10T00:00:00Z";
    const FEB: &str = "2027-02-01T00:00:00Z";
    const MAR: &str = "2027-03-01T00:00:00Z";
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
            ("base ends", ending(FEB, FEB), active(FEB), true, Step::EndAt(at(FEB))),
            ("base ends sooner", ending(FEB, FEB), ending(FEB, MAR), true, Step::EndAt(at(FEB))),
            ("ends before it", active(MAR), ending(FEB, FEB), true, Step::GoOn),
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
            ("base unpaid", course(Unpaid, MAR, None), active(FEB), true, Step::Nothing),
            ("base past due", course(PastDue, MAR, None), active(FEB), true, Step::Realign),
        ];
        for (name, base, addon, fits, expected) in cases {
            assert_eq!(step(&base, &addon, fits, true, at(NOW)), expected, "{name}");
        }
    }

    #[test]
    fn an_end_of_its_own_stays() {
        let base = course(Status::Active, FEB, None);
        let addon = course(Status::Active, FEB, Some(FEB));
        assert_eq!(step(&base, &addon, true, false, at(NOW)), Step::Nothing);
        assert_eq!(step(&base, &addon, true, true, at(NOW)), Step::GoOn);
    }

    fn courses() -> impl Strategy<Value = Course> {
        let end = prop::sample::select(vec![PAST, FEB, MAR]);
        let status = prop::sample::select(Status::ALL);
        (status, end, prop::option::of(prop::sample::select(vec![FEB, MAR])))
            .prop_map(|(status, period_end, cancel_at)| course(status, period_end, cancel_at))
    }

    /// What Stripe makes of a step, as far as it concerns the rule.
    fn done(step: Step, base: &Course, addon: &mut Course) {
        match step {
            Step::Nothing | Step::Wait => {}
            Step::End | Step::EndWithCredit => addon.status = Status::Canceled,
            Step::EndAt(end) => {
                addon.cancel_at = Some(end);
                addon.period_end = addon.period_end.min(end);
            }
            Step::GoOn => addon.cancel_at = None,
            Step::Pause => addon.status = Status::Paused,
            Step::Resume => addon.status = Status::Active,
            Step::Realign => (addon.period_end, addon.cancel_at) = (base.period_end, None),
        }
    }

    proptest! {
        /// Step by step one arrives: both end together, or the add-on is over or halted.
        #[test]
        fn steps_come_to_an_end(base in courses(), start in courses(), fits: bool) {
            let mut addon = start;
            let mut steps = 0;
            loop {
                let next = step(&base, &addon, fits, true, at(NOW));
                if matches!(next, Step::Nothing | Step::Wait) {
                    break;
                }
                done(next, &base, &mut addon);
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
