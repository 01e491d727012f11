//! Invoice previews: what would be asked, were it asked now.

use serde::Deserialize;

use super::{List, Ref};
use crate::id::{DiscountId, PriceId};

#[derive(Clone, Debug, Deserialize)]
pub struct InvoicePreview {
    pub currency: String,
    /// Amounts are minor units.
    pub subtotal: i64,
    pub total: i64,
    pub lines: List<InvoiceLine>,
    /// What each discount takes off.
    #[serde(default)]
    total_discount_amounts: Option<Vec<DiscountAmount>>,
    #[serde(default)]
    total_taxes: Option<Vec<Tax>>,
}

/// What one discount takes off, in minor units.
#[derive(Clone, Debug, Deserialize)]
pub struct DiscountAmount {
    pub amount: i64,
    /// One of the subscription's, or one that would begin.
    pub discount: Ref<DiscountId>,
}

#[derive(Clone, Debug, Deserialize)]
struct Tax {
    amount: i64,
}

impl InvoicePreview {
    /// What each discount takes off.
    pub fn discount_amounts(&self) -> &[DiscountAmount] {
        self.total_discount_amounts.as_deref().unwrap_or_default()
    }

    /// All discounts together, in minor units; `None` where they cannot be added.
    pub fn discount(&self) -> Option<i64> {
        let mut amounts = self.discount_amounts().iter();
        amounts.try_fold(0_i64, |sum, off| sum.checked_add(off.amount))
    }

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
