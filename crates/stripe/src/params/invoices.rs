//! Invoices, those that are and those that would be.

use serde::Serialize;

use crate::{
    id::{CustomerId, SubscriptionId},
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
