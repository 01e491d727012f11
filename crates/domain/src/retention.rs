//! How long what is kept is kept.

use crate::tenant::TenantStatus;
use crate::time::Timestamp;

/// The key of a usage event counts once for 35 days, as long as one may come late; and a day for the clocks.
pub const USAGE_EVENT_DAYS_MIN: u32 = 36;
/// A reader of events may be away for so long, and still find where it left off.
pub const EVENT_DAYS_MIN: u32 = 30;
/// Who did what in a year's accounts is asked when the year is over.
pub const AUDIT_DAYS_MIN: u32 = 366;
/// Ten years.
pub const DAYS_MAX: u32 = 3660;

/// How many days each thing is kept. None is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Bodies and headers of webhooks received, since they came.
    pub delivery_payload: Option<u32>,
    /// Events, since they happened.
    pub event: Option<u32>,
    /// Usage events, since they were reported; what they come to stays.
    pub usage_event: Option<u32>,
    /// Audit entries, since what they tell of.
    pub audit: Option<u32>,
    /// What is personal, since the termination of its tenant.
    pub personal_data: Option<u32>,
}

impl Policy {
    /// Under a legal hold nothing goes.
    pub const HOLD: Self = Self {
        delivery_payload: None,
        event: None,
        usage_event: None,
        audit: None,
        personal_data: None,
    };
}

/// What is older than this goes, where it is kept for `days`; none where it is kept for ever.
pub fn goes_before(days: Option<u32>, now: Timestamp) -> Option<Timestamp> {
    days.map(|days| now.plus_days(-i64::from(days)))
}

/// Whether what is personal of a tenant is to go, that stands like this since `since`.
pub fn personal_data_goes(
    policy: Policy,
    status: TenantStatus,
    since: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let ended = since.filter(|_| status == TenantStatus::Terminated);
    ended.zip(goes_before(policy.personal_data, now)).is_some_and(|(ended, before)| ended <= before)
}

/// A number of days as settings and people write it: zero is for ever.
pub fn days(written: u32) -> Option<u32> {
    (written > 0).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * DAY).unwrap()
    }

    #[test]
    fn things_go_on_their_day_and_not_before() {
        assert_eq!(goes_before(days(90), at(90)), Some(at(0)));
        assert_eq!(goes_before(days(0), at(90)), None);
    }

    #[test]
    fn only_what_is_terminated_loses_what_is_personal() {
        use TenantStatus::{Active, Suspended, Terminated};
        let policy = Policy { personal_data: days(90), ..Policy::HOLD };
        for (policy, status, since, now, goes) in [
            (policy, Terminated, Some(at(0)), at(90), true),
            (policy, Terminated, Some(at(0)), at(90).plus_seconds(-1), false),
            (policy, Terminated, None, at(900), false),
            (policy, Suspended, Some(at(0)), at(900), false),
            (policy, Active, Some(at(0)), at(900), false),
            (Policy::HOLD, Terminated, Some(at(0)), at(900), false),
        ] {
            assert_eq!(personal_data_goes(policy, status, since, now), goes, "{status} {now}");
        }
    }
}
