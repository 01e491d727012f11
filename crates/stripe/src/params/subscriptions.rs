//! Subscriptions.

use serde::Serialize;

use super::{Enabled, LineItem, UseDiscount};
use crate::{
    id::{CustomerId, PaymentMethodId, PriceId, SubscriptionItemId},
    objects::Metadata,
};

/// A subscription begun without a page.
#[derive(Clone, Debug, Serialize)]
pub struct CreateSubscription {
    pub customer: CustomerId,
    pub items: Vec<LineItem>,
    /// `error_if_incomplete` makes nothing where the first payment fails; `allow_incomplete` waits for the
    /// customer's confirmation.
    pub payment_behavior: &'static str,
    pub default_payment_method: Option<PaymentMethodId>,
    pub cancel_at_period_end: Option<bool>,
    pub automatic_tax: Option<Enabled>,
    /// Nobody is there who could confirm a payment.
    pub off_session: Option<bool>,
    #[serde(flatten)]
    pub terms: SubscriptionTerms,
    pub discounts: Vec<UseDiscount>,
    pub expand: Vec<&'static str>,
}

/// What a subscription begins with, whether a page or a call begins it. There is no `cancel_at` on a page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SubscriptionTerms {
    pub metadata: Metadata,
    pub trial_period_days: Option<u32>,
    /// Unix seconds.
    pub trial_end: Option<i64>,
    pub trial_settings: Option<TrialSettings>,
    /// Unix seconds: the first period is a part, until then.
    pub billing_cycle_anchor: Option<i64>,
    pub billing_cycle_anchor_config: Option<AnchorConfig>,
    /// Fixed tax rates, `txr_…`.
    pub default_tax_rates: Vec<String>,
}

/// The calendar on which periods begin: the day is clamped to the month.
#[derive(Clone, Debug, Serialize)]
pub struct AnchorConfig {
    /// For yearly prices.
    pub month: Option<i8>,
    pub day_of_month: i8,
    pub hour: i8,
    pub minute: i8,
    pub second: i8,
}

#[derive(Clone, Debug, Serialize)]
pub struct TrialSettings {
    pub end_behavior: TrialEndBehavior,
}

#[derive(Clone, Debug, Serialize)]
pub struct TrialEndBehavior {
    /// `cancel`, `create_invoice` or `pause`.
    pub missing_payment_method: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListSubscriptions {
    pub customer: CustomerId,
    pub limit: u32,
}

/// Halts a subscription: nothing is billed until it is resumed.
#[derive(Clone, Debug, Serialize)]
pub struct PauseSubscription {
    /// `subscription`
    pub r#type: &'static str,
    /// `pending_invoice_item` keeps the credit for the unused time until something is billed again.
    pub invoicing_behavior: &'static str,
}

/// Lets a halted subscription go on.
#[derive(Clone, Debug, Serialize)]
pub struct ResumeSubscription {
    pub billing_cycle_anchor: AnchorChange,
    pub proration_behavior: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct AnchorChange {
    /// `now` or `unchanged`.
    pub r#type: &'static str,
}

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
    pub pause_collection: Option<PauseCollection>,
    pub metadata: Metadata,
}

/// Whether invoices are collected.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum PauseCollection {
    /// Not until this is unset.
    Paused {
        /// `keep_as_draft`, `mark_uncollectible` or `void`: what becomes of them meanwhile.
        behavior: &'static str,
    },
    /// `""` unsets.
    Unset(&'static str),
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
    /// Credits the time that is left.
    pub prorate: Option<bool>,
    /// Bills what waits, such as that credit, at once.
    pub invoice_now: Option<bool>,
    pub cancellation_details: Option<CancellationDetails>,
}

/// Why it ends, for Stripe's own reports.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CancellationDetails {
    pub comment: Option<String>,
    /// One of Stripe's words: `too_expensive`, `unused`, `other` …
    pub feedback: Option<String>,
}
