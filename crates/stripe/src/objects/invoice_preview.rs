//! Invoice previews: what would be asked, were it asked now.

use serde::Deserialize;

use super::{InvoiceLine, List, Tax};

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

impl InvoicePreview {
    /// All taxes together, in minor units; `None` where they cannot be added.
    pub fn tax(&self) -> Option<i64> {
        let mut taxes = self.total_taxes.iter().flatten();
        taxes.try_fold(0_i64, |sum, tax| sum.checked_add(tax.amount))
    }
}
