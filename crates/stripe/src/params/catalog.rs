//! Products, prices and meters: what is sold.

use serde::Serialize;

use crate::{id::ProductId, objects::Metadata};

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

#[derive(Clone, Debug, Default, Serialize)]
pub struct ListPrices {
    pub lookup_keys: Vec<String>,
    pub active: Option<bool>,
    pub limit: u32,
}
