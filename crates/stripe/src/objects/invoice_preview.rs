//! Invoice previews: what would be asked, were it asked now.

use serde::Deserialize;

use super::{List, Ref};
use crate::id::PriceId;

#[derive(Clone, Debug, Deserialize)]
pub struct InvoicePreview {
    pub currency: String,
    /// Amounts are minor units.
    pub subtotal: i64,
    pub total: i64,
    pub lines: List<InvoiceLine>,
    #[serde(default)]
    total_taxes: Option<Vec<Tax>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Tax {
    amount: i64,
}

impl InvoicePreview {
    /// All taxes together, in minor units; `None` where they cannot be added.
    pub fn tax(&self) -> Option<i64> {
        let mut taxes = self.total_taxes.iter().flatten();
        taxes.try_fold(0_i64, |sum, tax| sum.checked_add(tax.amount))
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct InvoiceLine {
    #[serde(default)]
    pub description: Option<String>,
    pub amount: i64,
    #[serde(default)]
    pub quantity: Option<i64>,
    pub period: LinePeriod,
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
}
