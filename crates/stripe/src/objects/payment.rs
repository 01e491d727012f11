//! What settles an invoice, and what of it was given back.

use serde::Deserialize;

use super::Ref;
use crate::{
    id::{ChargeId, DisputeId, InvoiceId, InvoicePaymentId, PaymentIntentId, RefundId},
    params::PaidWith,
};

/// A payment towards an invoice.
#[derive(Clone, Debug, Deserialize)]
pub struct InvoicePayment {
    pub id: InvoicePaymentId,
    pub invoice: Ref<InvoiceId>,
    /// `open`, `paid` or `canceled`.
    pub status: String,
    /// Minor units.
    pub amount_requested: i64,
    /// None until it is paid.
    #[serde(default)]
    pub amount_paid: Option<i64>,
    pub payment: PaymentKind,
    /// Made by the invoice itself, not attached to it later.
    #[serde(default)]
    pub is_default: bool,
    /// Unix seconds.
    pub created: i64,
    #[serde(default)]
    status_transitions: Transitions,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Transitions {
    paid_at: Option<i64>,
    canceled_at: Option<i64>,
}

/// How it is paid.
#[derive(Clone, Debug, Deserialize)]
pub struct PaymentKind {
    /// `payment_intent`, `charge`, or `payment_record` for what was paid outside of Stripe.
    pub r#type: String,
    #[serde(default)]
    payment_intent: Option<Ref<PaymentIntentId>>,
    #[serde(default)]
    charge: Option<Ref<ChargeId>>,
}

impl InvoicePayment {
    /// When it was paid or canceled, in unix seconds.
    pub fn settled_at(&self) -> Option<i64> {
        self.status_transitions.paid_at.or(self.status_transitions.canceled_at)
    }

    /// What Stripe took the money with; none where it was paid elsewhere.
    pub fn paid_with(&self) -> Option<PaidWith> {
        paid_with(self.payment.payment_intent.as_ref(), self.payment.charge.as_ref())
    }
}

/// One taking of money.
#[derive(Clone, Debug, Deserialize)]
pub struct Charge {
    pub id: ChargeId,
    #[serde(default)]
    payment_intent: Option<Ref<PaymentIntentId>>,
}

impl Charge {
    pub fn paid_with(&self) -> PaidWith {
        paid_with(self.payment_intent.as_ref(), None)
            .unwrap_or_else(|| PaidWith::Charge { charge: self.id.clone() })
    }
}

/// Money given back.
#[derive(Clone, Debug, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    /// Minor units.
    pub amount: i64,
    /// `pending`, `requires_action`, `succeeded`, `failed` or `canceled`.
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
    /// Unix seconds.
    pub created: i64,
    #[serde(default)]
    payment_intent: Option<Ref<PaymentIntentId>>,
    #[serde(default)]
    charge: Option<Ref<ChargeId>>,
}

impl Refund {
    /// What it gives back.
    pub fn paid_with(&self) -> Option<PaidWith> {
        paid_with(self.payment_intent.as_ref(), self.charge.as_ref())
    }
}

/// A payment that the customer's bank takes back, or asks about first.
#[derive(Clone, Debug, Deserialize)]
pub struct Dispute {
    pub id: DisputeId,
    /// What is disputed, in minor units.
    pub amount: i64,
    /// `needs_response`, `under_review`, `won`, `lost`, `prevented`, or a `warning_…` for a question.
    pub status: String,
    /// `fraudulent`, `product_not_received` …
    pub reason: String,
    /// Unix seconds.
    pub created: i64,
    #[serde(default)]
    balance_transactions: Vec<Movement>,
    #[serde(default)]
    evidence_details: EvidenceDetails,
    #[serde(default)]
    payment_intent: Option<Ref<PaymentIntentId>>,
    #[serde(default)]
    charge: Option<Ref<ChargeId>>,
}

/// What it moved on our balance; below zero where it was taken.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Movement {
    amount: i64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct EvidenceDetails {
    due_by: Option<i64>,
}

impl Dispute {
    /// What is disputed.
    pub fn paid_with(&self) -> Option<PaidWith> {
        paid_with(self.payment_intent.as_ref(), self.charge.as_ref())
    }

    /// Whether the money is with the bank now.
    pub fn is_withdrawn(&self) -> bool {
        self.balance_transactions.iter().map(|moved| i128::from(moved.amount)).sum::<i128>() < 0
    }

    /// Until when evidence can be given, in unix seconds.
    pub fn evidence_due(&self) -> Option<i64> {
        self.evidence_details.due_by
    }
}

/// The intent where there is one: every charge of today has one.
fn paid_with(
    intent: Option<&Ref<PaymentIntentId>>,
    charge: Option<&Ref<ChargeId>>,
) -> Option<PaidWith> {
    let intent = intent.map(|intent| PaidWith::PaymentIntent { payment_intent: intent.0.clone() });
    intent.or_else(|| charge.map(|charge| PaidWith::Charge { charge: charge.0.clone() }))
}
