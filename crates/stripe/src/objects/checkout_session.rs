//! Checkout sessions: a page of Stripe's where someone pays.

use serde::Deserialize;

use super::{Metadata, Ref};
use crate::{
    id::{CheckoutSessionId, CustomerId, SubscriptionId},
    open_enum::open_enum,
};

open_enum! {
    /// Whether the page can still be paid.
    CheckoutStatus { Open = "open", Complete = "complete", Expired = "expired" }
}

open_enum! {
    /// Whether money has come; `no_payment_required` for a trial.
    PaymentStatus { Paid = "paid", Unpaid = "unpaid", NoPaymentRequired = "no_payment_required" }
}

#[derive(Clone, Debug, Deserialize)]
pub struct CheckoutSession {
    pub id: CheckoutSessionId,
    /// Where to send the customer; none once the session is over.
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub status: Option<CheckoutStatus>,
    #[serde(default)]
    pub payment_status: Option<PaymentStatus>,
    #[serde(default)]
    pub customer: Option<Ref<CustomerId>>,
    /// The subscription it made, once complete.
    #[serde(default)]
    pub subscription: Option<Ref<SubscriptionId>>,
    #[serde(default)]
    pub client_reference_id: Option<String>,
    /// Unix seconds.
    pub expires_at: i64,
    #[serde(default)]
    pub metadata: Metadata,
}
