//! What became of the money that invoices asked for.

use crate::invoice::InvoiceStatus;

/// What invoices of one status and currency ask, and what was settled of it; minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The sum of the totals.
    pub total: i64,
    /// What credit notes took off before it was paid.
    pub credited_before_payment: i64,
    /// Paid, or taken from the customer's balance.
    pub settled: i64,
}

/// Where it went: every part of what was asked is in exactly one of them. Minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The totals, less what credit notes took off before payment.
    pub invoiced: i64,
    pub paid: i64,
    /// Still to be paid.
    pub outstanding: i64,
    /// Taken back.
    pub void: i64,
    /// Given up.
    pub uncollectible: i64,
}

impl Outcome {
    /// What became of final invoices that share a status. A draft has asked for nothing yet.
    pub fn of(status: InvoiceStatus, asked: Asked) -> Self {
        let invoiced = asked.total - asked.credited_before_payment;
        let rest = invoiced - asked.settled;
        let partly = Self { invoiced, paid: asked.settled, ..Self::default() };
        match status {
            InvoiceStatus::Draft => Self::default(),
            // Also what was paid elsewhere and only noted at Stripe.
            InvoiceStatus::Paid => Self { paid: invoiced, ..partly },
            InvoiceStatus::Open => Self { outstanding: rest, ..partly },
            InvoiceStatus::Void => Self { void: rest, ..partly },
            InvoiceStatus::Uncollectible => Self { uncollectible: rest, ..partly },
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            invoiced: self.invoiced + other.invoiced,
            paid: self.paid + other.paid,
            outstanding: self.outstanding + other.outstanding,
            void: self.void + other.void,
            uncollectible: self.uncollectible + other.uncollectible,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked() -> impl Strategy<Value = (InvoiceStatus, Asked)> {
        let amounts = (-1_000_000..1_000_000_i64, 0..100_000_i64, -100_000..1_000_000_i64);
        (prop::sample::select(InvoiceStatus::ALL), amounts).prop_map(
            |(status, (total, credited_before_payment, settled))| {
                (status, Asked { total, credited_before_payment, settled })
            },
        )
    }

    #[test]
    fn what_was_paid_of_a_void_invoice_stays_paid() {
        let asked = Asked { total: 2900, credited_before_payment: 400, settled: 1000 };
        let outcome = Outcome::of(InvoiceStatus::Void, asked);
        let expected =
            Outcome { invoiced: 2500, paid: 1000, outstanding: 0, void: 1500, uncollectible: 0 };
        assert_eq!(outcome, expected);
    }

    proptest! {
        #[test]
        fn every_part_is_somewhere(invoices in prop::collection::vec(asked(), 0..20)) {
            let sum = invoices
                .into_iter()
                .map(|(status, asked)| Outcome::of(status, asked))
                .fold(Outcome::default(), Outcome::plus);
            let Outcome { invoiced, paid, outstanding, void, uncollectible } = sum;
            prop_assert_eq!(invoiced, paid + outstanding + void + uncollectible);
        }
    }
}
