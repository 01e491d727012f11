//! Subscriptions.

use serde::Serialize;

use super::UseDiscount;
use crate::{
    id::{PaymentMethodId, PriceId, SubscriptionItemId},
    objects::Metadata,
};

/// How a subscription should be. What is `None` stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateSubscription {
    pub cancel_at_period_end: Option<bool>,
    /// Unix seconds; `""` unsets.
    pub cancel_at: Option<String>,
    pub cancellation_details: Option<CancellationDetails>,
    pub default_payment_method: Option<PaymentMethodId>,
    /// `create_prorations`, `always_invoice` or `none`.
    pub proration_behavior: Option<&'static str>,
    /// Unix seconds: prorations are computed as of then.
    pub proration_date: Option<i64>,
    pub items: Vec<UpdateItem>,
    /// Empty leaves them as they are.
    pub discounts: Vec<UseDiscount>,
    pub metadata: Metadata,
}

/// An item as it should be; without `id` it is added.
#[derive(Clone, Debug, Serialize)]
pub struct UpdateItem {
    pub id: Option<SubscriptionItemId>,
    pub price: Option<PriceId>,
    pub quantity: Option<u64>,
    pub deleted: Option<bool>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct CancelSubscription {
    pub cancellation_details: Option<CancellationDetails>,
}

/// Why it ends, for Stripe's own reports.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CancellationDetails {
    pub comment: Option<String>,
    /// One of Stripe's words: `too_expensive`, `unused`, `other` …
    pub feedback: Option<String>,
}
