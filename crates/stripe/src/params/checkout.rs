//! The pages Stripe has for customers: Checkout and the portal.

use serde::Serialize;

use super::{SubscriptionTerms, UseDiscount};
use crate::{
    id::{CustomerId, PriceId, ProductId},
    objects::Metadata,
};

#[derive(Clone, Debug, Serialize)]
pub struct CreateCheckoutSession {
    /// `subscription` for everything we sell.
    pub mode: &'static str,
    pub customer: CustomerId,
    pub line_items: Vec<LineItem>,
    pub success_url: String,
    pub cancel_url: String,
    pub client_reference_id: String,
    pub metadata: Metadata,
    pub subscription_data: SubscriptionTerms,
    /// Unix seconds, 30 minutes to 24 hours ahead; 24 hours where absent.
    pub expires_at: Option<i64>,
    pub discounts: Vec<UseDiscount>,
    pub automatic_tax: Option<Enabled>,
    pub customer_update: Option<CustomerUpdate>,
}

/// What the page writes to the customer.
#[derive(Clone, Debug, Serialize)]
pub struct CustomerUpdate {
    /// `auto`: the address that was typed on the page.
    pub address: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct LineItem {
    pub price: PriceId,
    /// None for metered prices: Stripe refuses it there.
    pub quantity: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListCheckoutSessions {
    pub customer: CustomerId,
    pub status: &'static str,
    pub limit: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreatePortalSession {
    pub customer: CustomerId,
    pub configuration: String,
    pub return_url: String,
}

/// What the portal lets a customer do.
#[derive(Clone, Debug, Serialize)]
pub struct CreatePortalConfiguration {
    pub features: PortalFeatures,
}

#[derive(Clone, Debug, Serialize)]
pub struct PortalFeatures {
    pub invoice_history: Enabled,
    pub payment_method_update: Enabled,
    pub subscription_cancel: PortalCancel,
    /// Left out where there is nothing to change to.
    pub subscription_update: Option<PortalUpdate>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Enabled {
    pub enabled: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct PortalCancel {
    pub enabled: bool,
    /// `at_period_end` or `immediately`.
    pub mode: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct PortalUpdate {
    pub enabled: bool,
    /// `price`, `quantity`, `promotion_code`.
    pub default_allowed_updates: Vec<&'static str>,
    pub proration_behavior: &'static str,
    /// At most ten.
    pub products: Vec<PortalProduct>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PortalProduct {
    pub product: ProductId,
    pub prices: Vec<PriceId>,
}
