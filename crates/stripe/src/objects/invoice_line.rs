//! The lines of an invoice, or of a preview of one.

use serde::Deserialize;

use super::{DiscountAmount, Ref, Tax};
use crate::id::{InvoiceLineId, PriceId};

#[derive(Clone, Debug, Deserialize)]
pub struct InvoiceLine {
    pub id: InvoiceLineId,
    #[serde(default)]
    pub description: Option<String>,
    /// Minor units, before discounts and tax on top.
    pub amount: i64,
    #[serde(default)]
    pub quantity: Option<i64>,
    /// The quantity to its last decimal; the other is cut.
    #[serde(default)]
    pub quantity_decimal: Option<String>,
    pub period: LinePeriod,
    #[serde(default)]
    discount_amounts: Option<Vec<DiscountAmount>>,
    #[serde(default)]
    taxes: Option<Vec<Tax>>,
    #[serde(default)]
    pricing: Option<Pricing>,
    #[serde(default)]
    parent: Option<Parent>,
}

/// Unix seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LinePeriod {
    pub start: i64,
    pub end: i64,
}

#[derive(Clone, Debug, Deserialize)]
struct Pricing {
    #[serde(default)]
    price_details: Option<PriceDetails>,
}

#[derive(Clone, Debug, Deserialize)]
struct PriceDetails {
    price: Ref<PriceId>,
}

#[derive(Clone, Debug, Deserialize)]
struct Parent {
    #[serde(default)]
    subscription_item_details: Option<ItemDetails>,
    #[serde(default)]
    invoice_item_details: Option<ItemDetails>,
}

#[derive(Clone, Debug, Deserialize)]
struct ItemDetails {
    #[serde(default)]
    proration: bool,
}

impl InvoiceLine {
    /// The price it is about.
    pub fn price(&self) -> Option<&PriceId> {
        let details = self.pricing.as_ref()?.price_details.as_ref()?;
        Some(&details.price.0)
    }

    /// Whether it makes up for a part of a period.
    pub fn is_proration(&self) -> bool {
        self.parent.as_ref().is_some_and(|parent| {
            let details = [&parent.subscription_item_details, &parent.invoice_item_details];
            details.into_iter().flatten().any(|details| details.proration)
        })
    }

    /// What each discount takes off it, in minor units.
    pub fn discounts(&self) -> impl Iterator<Item = i64> {
        self.discount_amounts.iter().flatten().map(|discount| discount.amount)
    }

    /// Every tax on it.
    pub fn taxes(&self) -> &[Tax] {
        self.taxes.as_deref().unwrap_or_default()
    }
}
