//! Every kind of move, as a table; and what holds for any two states.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::time::tests::at;

fn state(status: Status) -> State {
    State {
        status,
        plan: "pro".to_owned(),
        plan_version: 1,
        price_lookup_key: "pro_v1_month_usd".to_owned(),
        quantity: 1,
        period: Period { start: at("2027-01-01T00:00:00Z"), end: at("2027-02-01T00:00:00Z") },
        trial_end: None,
        cancel_at: None,
        pending: None,
    }
}

fn words(events: &[EventType]) -> String {
    let words = events.iter().map(|event| event.as_str().trim_start_matches("subscription."));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_beginning_is_told() {
    let cases = [
        (Status::Incomplete, "created"),
        (Status::Trialing, "created trial_started"),
        (Status::Active, "created activated"),
        (Status::PastDue, "created past_due"),
        (Status::Paused, "created paused"),
        (Status::Canceled, "created canceled"),
        (Status::IncompleteExpired, "created expired"),
    ];
    for (status, told) in cases {
        assert_eq!(words(&changes(None, &state(status))), told, "{status}");
    }
    let mut ending = state(Status::Active);
    ending.cancel_at = Some(ending.period.end);
    assert_eq!(words(&changes(None, &ending)), "created activated cancel_scheduled");
}

#[test]
fn each_move_is_told() {
    use Status::{
        Active, Canceled, Incomplete, IncompleteExpired, PastDue, Paused, Trialing, Unpaid,
    };
    let cases = [
        (Incomplete, Active, "activated"),
        (Incomplete, Trialing, "trial_started"),
        (Incomplete, IncompleteExpired, "expired"),
        (Trialing, Active, "trial_ended activated"),
        (Trialing, PastDue, "trial_ended past_due"),
        (Trialing, Paused, "trial_ended paused"),
        (Trialing, Canceled, "trial_ended canceled"),
        (Active, Trialing, "trial_started"),
        (Active, PastDue, "past_due"),
        (Active, Paused, "paused"),
        (Active, Canceled, "canceled"),
        (PastDue, Active, "recovered"),
        (PastDue, Unpaid, "unpaid"),
        (PastDue, Canceled, "canceled"),
        (Unpaid, Active, "recovered"),
        (Paused, Active, "resumed"),
        (Paused, Trialing, "resumed"),
        (Paused, PastDue, "past_due"),
        (Canceled, Active, ""),
        (IncompleteExpired, Active, ""),
    ];
    for (before, after, told) in cases {
        let events = changes(Some(&state(before)), &state(after));
        assert_eq!(words(&events), told, "{before} to {after}");
    }
}

#[test]
fn what_changes_within_a_status_is_told() {
    type Change = fn(&mut State);
    let cases: [(Change, &str); 6] = [
        (|state| state.plan = "team".to_owned(), "plan_changed"),
        (|state| state.plan_version = 2, "plan_changed"),
        (|state| state.quantity = 5, "quantity_changed"),
        (|state| state.period.start = state.period.end, "renewed"),
        (|state| state.period.end = state.period.end.plus_days(1), ""),
        (|state| state.cancel_at = Some(state.period.end), "cancel_scheduled"),
    ];
    for (change, told) in cases {
        let before = state(Status::Active);
        let mut after = before.clone();
        change(&mut after);
        assert_eq!(words(&changes(Some(&before), &after)), told);
    }
}

#[test]
fn several_changes_are_told_in_order() {
    let mut before = state(Status::Trialing);
    before.cancel_at = Some(before.period.end);
    let mut after = state(Status::Active);
    after.plan = "team".to_owned();
    after.quantity = 3;
    after.period.start = before.period.end;
    assert_eq!(
        words(&changes(Some(&before), &after)),
        "trial_ended renewed plan_changed quantity_changed activated cancel_revoked"
    );
    after.status = Status::Canceled;
    assert_eq!(
        words(&changes(Some(&before), &after)),
        "trial_ended plan_changed quantity_changed canceled"
    );
}

#[test]
fn stripes_words_are_the_only_ones() {
    for word in ["cancelled", "trial", "ACTIVE", ""] {
        let unknown: UnknownStatus = word.parse::<Status>().unwrap_err();
        assert_eq!(unknown.word, word);
    }
    assert_eq!(Status::ALL.iter().filter(|status| status.is_live()).count(), 6);
}

#[test]
fn a_change_that_waits_is_told_when_set_and_when_dropped() {
    let waiting = |quantity| {
        let mut state = state(Status::Active);
        let at = state.period.end;
        let (plan, price_lookup_key) = ("free".to_owned(), "free_v1_month_usd".to_owned());
        state.pending =
            Some(PendingChange { plan, plan_version: 1, price_lookup_key, quantity, at });
        state
    };
    let active = state(Status::Active);
    let told = |before: &State, after: &State| words(&changes(Some(before), after));
    assert_eq!(told(&active, &waiting(1)), "change_scheduled");
    assert_eq!(told(&waiting(1), &waiting(2)), "change_scheduled");
    assert_eq!(told(&waiting(1), &active), "change_dropped");
    let mut come = active.clone();
    "free".clone_into(&mut come.plan);
    come.period = Period { start: active.period.end, end: at("2027-03-01T00:00:00Z") };
    assert_eq!(told(&waiting(1), &come), "renewed plan_changed");
    assert_eq!(told(&waiting(1), &state(Status::Canceled)), "canceled");
}

fn states() -> impl Strategy<Value = State> {
    let moment = || (0_i64..5).prop_map(|day| at("2027-01-01T00:00:00Z").plus_days(day));
    let ending = prop::option::of(moment());
    (prop::sample::select(Status::ALL), "[ab]", 1_u32..3, 1_u64..3, moment(), ending).prop_map(
        |(status, plan, plan_version, quantity, start, cancel_at)| State {
            status,
            plan,
            plan_version,
            price_lookup_key: "a".to_owned(),
            quantity,
            period: Period { start, end: start.plus_days(1) },
            trial_end: None,
            cancel_at,
            pending: None,
        },
    )
}

proptest! {
    #[test]
    fn no_change_tells_nothing(state in states()) {
        prop_assert_eq!(changes(Some(&state), &state), []);
    }

    #[test]
    fn nothing_is_told_twice(before in prop::option::of(states()), after in states()) {
        let told = changes(before.as_ref(), &after);
        prop_assert_eq!(told.iter().collect::<HashSet<_>>().len(), told.len());
        prop_assert_eq!(told.contains(&EventType::SubscriptionCreated), before.is_none());
    }

    #[test]
    fn an_end_is_told_once_and_is_the_end(states in prop::collection::vec(states(), 2..12)) {
        let mut current = states[0].clone();
        let mut ends = 0;
        for next in &states[1..] {
            let told = changes(Some(&current), next);
            let is_end = told.iter().any(|event| {
                matches!(event, EventType::SubscriptionCanceled | EventType::SubscriptionExpired)
            });
            ends += usize::from(is_end);
            if may_follow(current.status, next.status) {
                prop_assert_eq!(is_end, current.status.is_live() && next.status.is_terminal());
                current = next.clone();
            } else {
                prop_assert!(current.status.is_terminal() && told.is_empty());
            }
        }
        let ended = states[0].status.is_live() && current.status.is_terminal();
        prop_assert_eq!(ends, usize::from(ended));
    }
}
