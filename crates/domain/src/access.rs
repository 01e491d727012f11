//! Which state still grants access, and until when.

use crate::subscription::Status;
use crate::time::Timestamp;

/// What a subscription's state still grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everything the plan has.
    Full,
    /// Everything, for as long as a failed payment is waited for.
    Grace { until: Timestamp },
    /// Nothing new; what exists stays.
    None,
}

impl Access {
    /// The word for it: `full`, `grace`, `none`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Grace { .. } => "grace",
            Self::None => "none",
        }
    }
}

/// The access that a subscription grants `now`.
///
/// A trial and a paid period grant all of it. A failed payment leaves `grace_days` from the moment
/// it failed; where that moment is not known, they count from now. Everything else grants nothing,
/// and so does every subscription of a tenant that is suspended or terminated.
pub fn access(
    status: Status,
    grace_started_at: Option<Timestamp>,
    grace_days: u32,
    tenant_in_good_standing: bool,
    now: Timestamp,
) -> Access {
    if !tenant_in_good_standing {
        return Access::None;
    }
    match status {
        Status::Trialing | Status::Active => Access::Full,
        Status::PastDue => {
            let until = grace_started_at.unwrap_or(now).plus_days(grace_days.into());
            if now < until { Access::Grace { until } } else { Access::None }
        }
        Status::Unpaid
        | Status::Paused
        | Status::Incomplete
        | Status::IncompleteExpired
        | Status::Canceled => Access::None,
    }
}

/// The access that an add-on grants beside its base: never more than the base does.
pub fn beside(base: Access, addon: Access) -> Access {
    match (base, addon) {
        (Access::None, _) | (_, Access::None) => Access::None,
        (Access::Grace { until: one }, Access::Grace { until: other }) => {
            Access::Grace { until: one.min(other) }
        }
        (grace @ Access::Grace { .. }, Access::Full)
        | (Access::Full, grace @ Access::Grace { .. }) => grace,
        (Access::Full, Access::Full) => Access::Full,
    }
}

/// When grace began, after a move from `before` to `after` at the moment `at`.
///
/// It begins once, on the edge from good health into `past_due`. Further failures, and a detour
/// over `unpaid` or `paused`, do not begin it again; only recovery clears it.
pub fn grace_started_at(
    previous: Option<Timestamp>,
    before: Option<Status>,
    after: Status,
    at: Timestamp,
) -> Option<Timestamp> {
    match (before, after) {
        (_, Status::Active | Status::Trialing) => None,
        (None | Some(Status::Active | Status::Trialing), Status::PastDue) => Some(at),
        (_, Status::PastDue) => previous.or(Some(at)),
        _ => previous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::{at, moments};
    use proptest::prelude::*;

    fn statuses() -> impl Strategy<Value = Status> {
        prop::sample::select(Status::ALL)
    }

    #[test]
    fn each_status_grants_its_access() {
        let failed = at("2027-03-01T12:00:00Z");
        let until = at("2027-03-04T12:00:00Z");
        let grace = Access::Grace { until };
        let cases = [
            (Status::Trialing, "2030-01-01T00:00:00Z", Access::Full),
            (Status::Active, "2030-01-01T00:00:00Z", Access::Full),
            (Status::PastDue, "2027-03-01T12:00:00Z", grace),
            (Status::PastDue, "2027-03-04T11:59:59.999999Z", grace),
            (Status::PastDue, "2027-03-04T12:00:00Z", Access::None),
            (Status::Unpaid, "2027-03-01T12:00:00Z", Access::None),
            (Status::Paused, "2027-03-01T12:00:00Z", Access::None),
            (Status::Incomplete, "2027-03-01T12:00:00Z", Access::None),
            (Status::IncompleteExpired, "2027-03-01T12:00:00Z", Access::None),
            (Status::Canceled, "2027-03-01T12:00:00Z", Access::None),
        ];
        for (status, now, granted) in cases {
            assert_eq!(access(status, Some(failed), 3, true, at(now)), granted, "{status} {now}");
        }
        assert_eq!(access(Status::PastDue, None, 3, true, failed), grace);
        assert_eq!(access(Status::PastDue, None, 0, true, failed), Access::None);
        assert_eq!(
            ["full", "grace", "none"],
            [Access::Full, grace, Access::None].map(Access::as_str)
        );
    }

    #[test]
    fn grace_begins_on_the_edge() {
        let (first, later) = (at("2027-03-01T00:00:00Z"), at("2027-03-02T00:00:00Z"));
        let cases = [
            (None, None, Status::PastDue, Some(later)),
            (None, Some(Status::Active), Status::PastDue, Some(later)),
            (Some(first), Some(Status::PastDue), Status::PastDue, Some(first)),
            (Some(first), Some(Status::PastDue), Status::Unpaid, Some(first)),
            (Some(first), Some(Status::Unpaid), Status::PastDue, Some(first)),
            (None, Some(Status::PastDue), Status::PastDue, Some(later)),
            (Some(first), Some(Status::PastDue), Status::Active, None),
            (Some(first), Some(Status::Active), Status::PastDue, Some(later)),
            (None, Some(Status::Active), Status::Canceled, None),
        ];
        for (previous, before, after, started) in cases {
            assert_eq!(
                grace_started_at(previous, before, after, later),
                started,
                "{before:?} {after}"
            );
        }
    }

    #[test]
    fn an_addon_grants_no_more_than_its_base() {
        let (soon, late) = (at("2027-03-01T00:00:00Z"), at("2027-03-02T00:00:00Z"));
        let (grace, longer) = (Access::Grace { until: soon }, Access::Grace { until: late });
        let cases = [
            (Access::Full, Access::Full, Access::Full),
            (Access::Full, grace, grace),
            (longer, grace, grace),
            (grace, Access::Full, grace),
            (Access::None, Access::Full, Access::None),
            (Access::Full, Access::None, Access::None),
        ];
        for (base, addon, granted) in cases {
            assert_eq!(beside(base, addon), granted, "{base:?} {addon:?}");
        }
    }

    proptest! {
        #[test]
        fn a_tenant_in_bad_standing_has_none(status in statuses(), now in moments(), days: u32) {
            prop_assert_eq!(access(status, Some(now), days, false, now), Access::None);
        }

        /// Along any history, the grace clock shows the first failure since the last good health.
        #[test]
        fn grace_counts_from_the_first_failure(
            history in prop::collection::vec(statuses(), 1..30),
        ) {
            let (mut started, mut before, mut expected) = (None, None, None);
            for (day, &status) in (0..).zip(&history) {
                let now = at("2027-01-01T00:00:00Z").plus_days(day);
                started = grace_started_at(started, before, status, now);
                match status {
                    Status::Active | Status::Trialing => expected = None,
                    Status::PastDue => expected = expected.or(Some(now)),
                    _ => {}
                }
                prop_assert_eq!(started, expected);
                before = Some(status);
            }
        }

        #[test]
        fn grace_never_comes_back_by_waiting(
            started in moments(),
            days in 0_u32..30,
            wait in 0_i64..10_000_000,
            more in 0_i64..10_000_000,
        ) {
            let granted = |seconds| {
                let now = started.plus_seconds(seconds);
                access(Status::PastDue, Some(started), days, true, now)
            };
            if granted(wait) == Access::None {
                prop_assert_eq!(granted(wait + more), Access::None);
            }
        }
    }
}
