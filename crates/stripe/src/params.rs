//! The parameters of the calls we make. `None` is not sent.

use serde::Serialize;

use crate::{
    id::{CustomerId, PaymentMethodId, PriceId, ProductId, SubscriptionId, SubscriptionItemId},
    objects::Metadata,
};

#[derive(Clone, Debug, Default, Serialize)]
pub struct CreateCustomer {
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateCustomer {
    pub email: Option<String>,
    pub name: Option<String>,
    pub invoice_settings: Option<InvoiceSettings>,
}

#[derive(Clone, Debug, Serialize)]
pub struct InvoiceSettings {
    pub default_payment_method: PaymentMethodId,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreateSetupIntent {
    pub customer: CustomerId,
    pub automatic_payment_methods: AutomaticPaymentMethods,
}

#[derive(Clone, Debug, Serialize)]
pub struct AutomaticPaymentMethods {
    pub enabled: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListPaymentMethods {
    pub limit: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreateProduct {
    /// Of our choice, so that a product is found again without a search.
    pub id: ProductId,
    pub name: String,
    pub description: Option<String>,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateProduct {
    pub name: Option<String>,
    /// `""` unsets.
    pub description: Option<String>,
    pub active: Option<bool>,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreatePrice {
    pub product: ProductId,
    pub currency: String,
    /// Minor units, up to 12 decimal places.
    pub unit_amount_decimal: Option<String>,
    /// `per_unit` or `tiered`.
    pub billing_scheme: &'static str,
    /// `graduated` or `volume`, with `tiers`.
    pub tiers_mode: Option<&'static str>,
    pub tiers: Vec<PriceTier>,
    pub transform_quantity: Option<TransformQuantity>,
    pub recurring: CreateRecurring,
    pub lookup_key: String,
    /// Takes the lookup key from the price that has it, in the same step.
    pub transfer_lookup_key: bool,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Serialize)]
pub struct PriceTier {
    /// Inclusive; `inf` for the last.
    pub up_to: String,
    pub unit_amount_decimal: String,
    pub flat_amount_decimal: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct TransformQuantity {
    pub divide_by: u64,
    /// `up` or `down`.
    pub round: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreateRecurring {
    pub interval: String,
    pub interval_count: u32,
    /// `licensed` or `metered`.
    pub usage_type: &'static str,
    /// Required when metered.
    pub meter: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreateMeter {
    pub display_name: String,
    pub event_name: String,
    pub default_aggregation: MeterAggregation,
}

#[derive(Clone, Debug, Serialize)]
pub struct MeterAggregation {
    /// `sum`, `count` or `last`.
    pub formula: &'static str,
}

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
    pub subscription_data: SubscriptionData,
}

#[derive(Clone, Debug, Serialize)]
pub struct LineItem {
    pub price: PriceId,
    /// None for metered prices: Stripe refuses it there.
    pub quantity: Option<u64>,
}

/// What the session gives the subscription it makes. There is no `cancel_at` here.
#[derive(Clone, Debug, Serialize)]
pub struct SubscriptionData {
    pub metadata: Metadata,
    pub trial_period_days: Option<u32>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct ListPrices {
    pub lookup_keys: Vec<String>,
    pub active: Option<bool>,
    pub limit: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreateWebhookEndpoint {
    pub url: String,
    pub enabled_events: Vec<String>,
    pub api_version: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListCheckoutSessions {
    pub customer: CustomerId,
    pub status: &'static str,
    pub limit: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListMeters {
    pub status: &'static str,
    pub limit: u32,
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

/// An invoice that is not made: of the change in `subscription_details`, or of the next period.
#[derive(Clone, Debug, Serialize)]
pub struct PreviewInvoice {
    pub customer: CustomerId,
    pub subscription: SubscriptionId,
    pub subscription_details: Option<PreviewDetails>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PreviewDetails {
    pub items: Vec<UpdateItem>,
    pub proration_behavior: &'static str,
    /// Unix seconds.
    pub proration_date: i64,
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
