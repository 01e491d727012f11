//! An invoice's states, and what a move between them means.

use crate::event::EventType;
use crate::text::words;

words! {
    /// The state of an invoice, in Stripe's five words.
    pub enum InvoiceStatus, "an invoice status" {
        /// Still being written.
        Draft = "draft",
        /// Final, and to be paid.
        Open = "open",
        /// Paid in full. Over.
        Paid = "paid",
        /// Given up; may still be paid or voided.
        Uncollectible = "uncollectible",
        /// Taken back. Over.
        Void = "void",
    }
}

/// What we know of an invoice at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvoiceState {
    pub status: InvoiceStatus,
    /// How often a payment was tried.
    pub attempts: u32,
}

/// What happened between two states, in the order in which one would tell it; each failed attempt once.
///
/// The story is the same however many of its steps were seen: an invoice first seen paid was created,
/// finalized and paid. What is void or paid stays so; a move back tells nothing.
pub fn changes(before: Option<InvoiceState>, after: InvoiceState) -> Vec<EventType> {
    if before.is_some_and(|before| !may_follow(before.status, after.status)) {
        return Vec::new();
    }
    let known = before.map(|before| steps(before.status)).unwrap_or_default();
    let told_failures = before.map_or(0, failures);
    let new_failures = failures(after).saturating_sub(told_failures);
    let (begun, ended): (Vec<EventType>, Vec<EventType>) = steps(after.status)
        .into_iter()
        .filter(|step| !known.contains(step))
        .partition(|step| matches!(step, EventType::InvoiceCreated | EventType::InvoiceFinalized));
    let failed = (0..new_failures.min(FAILURES_TOLD_MAX)).map(|_| EventType::InvoicePaymentFailed);
    begun.into_iter().chain(failed).chain(ended).collect()
}

/// Stripe gives up long before; a number beyond this is not believed.
const FAILURES_TOLD_MAX: u32 = 50;

/// Attempts that brought no money: all of them, but the last one of a paid invoice.
fn failures(state: InvoiceState) -> u32 {
    state.attempts.saturating_sub(u32::from(state.status == InvoiceStatus::Paid))
}

/// Whether an invoice may go from one status to another.
pub fn may_follow(before: InvoiceStatus, after: InvoiceStatus) -> bool {
    use InvoiceStatus::{Draft, Open, Paid, Uncollectible, Void};
    before == after
        || match before {
            Draft => true,
            Open => after != Draft,
            Uncollectible => matches!(after, Paid | Void),
            Paid | Void => false,
        }
}

/// Every step that an invoice in this state has taken, oldest first.
fn steps(status: InvoiceStatus) -> Vec<EventType> {
    let mut steps = vec![EventType::InvoiceCreated];
    if status != InvoiceStatus::Draft {
        steps.push(EventType::InvoiceFinalized);
    }
    match status {
        InvoiceStatus::Draft | InvoiceStatus::Open => {}
        InvoiceStatus::Paid => steps.push(EventType::InvoicePaid),
        InvoiceStatus::Uncollectible => steps.push(EventType::InvoiceUncollectible),
        InvoiceStatus::Void => steps.push(EventType::InvoiceVoided),
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use EventType::{
        InvoiceCreated, InvoiceFinalized, InvoicePaid, InvoicePaymentFailed, InvoiceVoided,
    };
    use InvoiceStatus::{Draft, Open, Paid, Uncollectible, Void};
    use proptest::prelude::*;

    fn state(status: InvoiceStatus, attempts: u32) -> InvoiceState {
        InvoiceState { status, attempts }
    }

    #[test]
    fn each_move_tells_its_story() {
        let cases = [
            (None, state(Draft, 0), vec![InvoiceCreated]),
            (None, state(Paid, 1), vec![InvoiceCreated, InvoiceFinalized, InvoicePaid]),
            (Some(state(Draft, 0)), state(Paid, 1), vec![InvoiceFinalized, InvoicePaid]),
            (Some(state(Open, 0)), state(Open, 1), vec![InvoicePaymentFailed]),
            (Some(state(Open, 1)), state(Paid, 2), vec![InvoicePaid]),
            (Some(state(Open, 1)), state(Paid, 3), vec![InvoicePaymentFailed, InvoicePaid]),
            (Some(state(Uncollectible, 4)), state(Paid, 5), vec![InvoicePaid]),
            (Some(state(Open, 4)), state(Void, 4), vec![InvoiceVoided]),
            (Some(state(Paid, 1)), state(Open, 0), vec![]),
            (Some(state(Void, 1)), state(Paid, 1), vec![]),
        ];
        for (before, after, told) in cases {
            assert_eq!(changes(before, after), told, "{before:?} to {after:?}");
        }
    }

    fn states() -> impl Strategy<Value = InvoiceState> {
        let status = prop::sample::select(InvoiceStatus::ALL);
        (status, 0..5_u32).prop_map(|(status, attempts)| InvoiceState { status, attempts })
    }

    proptest! {
        #[test]
        fn nothing_new_tells_nothing(state in states()) {
            prop_assert_eq!(changes(Some(state), state), vec![]);
        }

        /// Seeing a state in between changes when things are told, not what is told.
        #[test]
        fn steps_missed_are_told_later(attempts in 0..4_u32) {
            let steps = [state(Draft, 0), state(Open, 0), state(Open, attempts), state(Paid, attempts + 1)];
            let mut slowly = changes(None, steps[0]);
            for pair in steps.windows(2) {
                slowly.extend(changes(Some(pair[0]), pair[1]));
            }
            prop_assert_eq!(slowly, changes(None, steps[3]));
        }
    }
}
