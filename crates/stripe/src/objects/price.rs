//! Prices: what a product costs, in which currency, how often.

use serde::Deserialize;

use super::Ref;
use crate::id::{PriceId, ProductId};

#[derive(Clone, Debug, Deserialize)]
pub struct Price {
    pub id: PriceId,
    pub currency: String,
    #[serde(default)]
    pub active: bool,
    #[serde(default)]
    pub product: Option<Ref<ProductId>>,
    #[serde(default)]
    pub lookup_key: Option<String>,
    /// Minor units; absent for tiers and for amounts below a minor unit.
    #[serde(default)]
    pub unit_amount: Option<i64>,
    /// Minor units as a decimal, up to 12 places; absent for tiers.
    #[serde(default)]
    pub unit_amount_decimal: Option<String>,
    #[serde(default)]
    pub recurring: Option<Recurring>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Recurring {
    /// `day`, `week`, `month`, `year`.
    pub interval: String,
    pub interval_count: i64,
    #[serde(default)]
    pub meter: Option<String>,
}
