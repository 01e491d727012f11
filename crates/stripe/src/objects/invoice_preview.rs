//! Invoice previews: what would be asked, were it asked now.

use serde::Deserialize;

use super::{DiscountAmount, InvoiceLine, List, Tax};

#[derive(Clone, Debug, Deserialize)]
pub struct InvoicePreview {
    pub currency: String,
    /// Amounts are minor units.
    pub subtotal: i64,
    pub total: i64,
    /// `total`, less the credit the customer has, and never below zero.
    pub amount_due: i64,
    pub lines: List<InvoiceLine>,
    /// What each discount takes off.
    #[serde(default)]
    total_discount_amounts: Option<Vec<DiscountAmount>>,
    #[serde(default)]
    total_taxes: Option<Vec<Tax>>,
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
