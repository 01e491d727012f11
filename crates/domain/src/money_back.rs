//! Refunds and credit notes: what was given back after an invoice was final, and what a move means.

use crate::event::EventType;
use crate::text::words;

words! {
    /// How far a refund got, in Stripe's words.
    pub enum RefundStatus, "a refund status" {
        /// On its way.
        Pending = "pending",
        /// Somebody must do something first.
        RequiresAction = "requires_action",
        /// The money was given back.
        Succeeded = "succeeded",
        /// The money came back to us, even after it was said to be given.
        Failed = "failed",
        /// Stopped before anything was given.
        Canceled = "canceled",
    }
}

words! {
    /// Whether a credit note still counts, in Stripe's words.
    pub enum CreditNoteStatus, "a credit note status" {
        Issued = "issued",
        /// Withdrawn. Over.
        Void = "void",
    }
}

/// What happened to a refund between two looks at it: each thing once.
pub fn refund_changes(before: Option<RefundStatus>, after: RefundStatus) -> Option<EventType> {
    if before == Some(after) {
        return None;
    }
    match after {
        RefundStatus::Succeeded => Some(EventType::InvoiceRefunded),
        RefundStatus::Failed => Some(EventType::InvoiceRefundFailed),
        RefundStatus::Pending | RefundStatus::RequiresAction | RefundStatus::Canceled => None,
    }
}

/// What happened to a credit note between two looks at it. One first seen void was issued before.
pub fn credit_note_changes(
    before: Option<CreditNoteStatus>,
    after: CreditNoteStatus,
) -> Vec<EventType> {
    use CreditNoteStatus::{Issued, Void};
    match (before, after) {
        (None, Issued) => vec![EventType::InvoiceCredited],
        (None, Void) => vec![EventType::InvoiceCredited, EventType::InvoiceCreditVoided],
        (Some(Issued), Void) => vec![EventType::InvoiceCreditVoided],
        (Some(Issued), Issued) | (Some(Void), _) => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EventType::{InvoiceCreditVoided, InvoiceCredited, InvoiceRefundFailed, InvoiceRefunded};
    use RefundStatus::{Canceled, Failed, Pending, RequiresAction, Succeeded};

    #[test]
    fn each_refund_is_told_when_the_money_moves() {
        let cases = [
            (None, Pending, None),
            (None, Succeeded, Some(InvoiceRefunded)),
            (Some(Pending), Succeeded, Some(InvoiceRefunded)),
            (Some(RequiresAction), Canceled, None),
            (Some(Pending), Failed, Some(InvoiceRefundFailed)),
            (Some(Succeeded), Failed, Some(InvoiceRefundFailed)),
        ];
        for (before, after, told) in cases {
            assert_eq!(refund_changes(before, after), told, "{before:?} to {after:?}");
        }
        for status in RefundStatus::ALL {
            assert_eq!(refund_changes(Some(*status), *status), None);
        }
    }

    #[test]
    fn steps_of_a_credit_note_that_were_missed_are_told_later() {
        use CreditNoteStatus::{Issued, Void};
        let mut slowly = credit_note_changes(None, Issued);
        slowly.extend(credit_note_changes(Some(Issued), Issued));
        slowly.extend(credit_note_changes(Some(Issued), Void));
        slowly.extend(credit_note_changes(Some(Void), Void));
        assert_eq!(slowly, [InvoiceCredited, InvoiceCreditVoided]);
        assert_eq!(credit_note_changes(None, Void), slowly);
        assert_eq!(credit_note_changes(Some(Void), Issued), [], "what is void stays so");
    }
}
