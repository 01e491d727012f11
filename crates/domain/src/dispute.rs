//! Disputes: the bank of a customer takes a payment back, or asks about it first.

use crate::event::EventType;
use crate::text::words;

words! {
    /// How far a dispute got, in Stripe's words. A `warning` is a question: no money has gone yet.
    pub enum DisputeStatus, "a dispute status" {
        WarningNeedsResponse = "warning_needs_response",
        WarningUnderReview = "warning_under_review",
        /// The question came to nothing. Over.
        WarningClosed = "warning_closed",
        /// Evidence is waited for.
        NeedsResponse = "needs_response",
        /// The bank looks at it.
        UnderReview = "under_review",
        /// The money is ours. Over.
        Won = "won",
        /// The money is the customer's. Over.
        Lost = "lost",
        /// Settled before it became one. Over.
        Prevented = "prevented",
    }
}

impl DisputeStatus {
    /// Whether nothing follows any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::WarningClosed | Self::Won | Self::Lost | Self::Prevented)
    }
}

/// The part of a dispute that people are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputeState {
    pub status: DisputeStatus,
    /// What is disputed, in minor units.
    pub amount: i64,
    /// Whether the money is with the bank now.
    pub withdrawn: bool,
}

/// What happened to a dispute between two looks at it: each thing once. One first seen closed was opened before.
pub fn dispute_changes(before: Option<DisputeState>, after: DisputeState) -> Vec<EventType> {
    use EventType::{DisputeClosed, DisputeOpened, DisputeUpdated};
    match before {
        None if after.status.is_over() => vec![DisputeOpened, DisputeClosed],
        None => vec![DisputeOpened],
        Some(before) if before == after => vec![],
        Some(before) if after.status.is_over() && !before.status.is_over() => vec![DisputeClosed],
        Some(_) => vec![DisputeUpdated],
    }
}

#[cfg(test)]
mod tests {
    use super::{DisputeStatus::*, *};
    use EventType::{DisputeClosed, DisputeOpened, DisputeUpdated};

    #[test]
    fn each_dispute_is_told_from_its_opening_to_its_end() {
        let state = |status, withdrawn| DisputeState { status, amount: 2900, withdrawn };
        let cases = [
            (None, state(NeedsResponse, true), vec![DisputeOpened]),
            (None, state(WarningNeedsResponse, false), vec![DisputeOpened]),
            (None, state(Lost, true), vec![DisputeOpened, DisputeClosed]),
            (Some(state(NeedsResponse, false)), state(NeedsResponse, true), vec![DisputeUpdated]),
            (Some(state(NeedsResponse, true)), state(UnderReview, true), vec![DisputeUpdated]),
            (
                Some(state(WarningUnderReview, false)),
                state(NeedsResponse, true),
                vec![DisputeUpdated],
            ),
            (Some(state(UnderReview, true)), state(Won, false), vec![DisputeClosed]),
            (Some(state(UnderReview, true)), state(Won, true), vec![DisputeClosed]),
            (Some(state(Won, true)), state(Won, false), vec![DisputeUpdated]),
        ];
        for (before, after, told) in cases {
            assert_eq!(dispute_changes(before, after), told, "{before:?} to {after:?}");
        }
    }

    #[test]
    fn the_same_again_tells_nothing() {
        for status in DisputeStatus::ALL {
            let state = DisputeState { status: *status, amount: 1, withdrawn: true };
            assert_eq!(dispute_changes(Some(state), state), vec![]);
        }
    }
}
