//! Invoices, those that are and those that would be.

use serde::Serialize;

use crate::{
    id::{ChargeId, CustomerId, InvoiceId, PaymentIntentId, SubscriptionId},
    params::{UpdateItem, UseDiscount},
};

/// An invoice that is not made: of the change in `subscription_details`, or of the next period.
#[derive(Clone, Debug, Serialize)]
pub struct PreviewInvoice {
    pub customer: CustomerId,
    pub subscription: SubscriptionId,
    pub subscription_details: Option<PreviewDetails>,
    /// Empty for those of the subscription.
    pub discounts: Vec<UseDiscount>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PreviewDetails {
    pub items: Vec<UpdateItem>,
    pub proration_behavior: &'static str,
    /// Unix seconds.
    pub proration_date: i64,
}

/// From one second to another, both included, since 1970.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Seconds {
    pub gte: i64,
    pub lte: i64,
}

/// The payments of an invoice, or the invoices of a payment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListInvoicePayments {
    pub invoice: Option<InvoiceId>,
    pub payment: Option<PaidWith>,
}

/// What settles an invoice at Stripe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PaidWith {
    PaymentIntent { payment_intent: PaymentIntentId },
    Charge { charge: ChargeId },
}

/// The same without the word for its kind, as lists of refunds ask.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum RefundsOf<'a> {
    PaymentIntent { payment_intent: &'a PaymentIntentId },
    Charge { charge: &'a ChargeId },
}

impl PaidWith {
    pub(crate) fn id(&self) -> RefundsOf<'_> {
        match self {
            Self::PaymentIntent { payment_intent } => RefundsOf::PaymentIntent { payment_intent },
            Self::Charge { charge } => RefundsOf::Charge { charge },
        }
    }
}

/// The credit notes of an invoice.
#[derive(Clone, Debug, Serialize)]
pub struct ListCreditNotes {
    pub invoice: InvoiceId,
}
