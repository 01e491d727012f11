//! Taxes, as they stand on invoices and their lines.

use serde::Deserialize;

/// One tax, in minor units.
#[derive(Clone, Debug, Deserialize)]
pub struct Tax {
    pub amount: i64,
    /// `inclusive`: within the amount that is taxed; `exclusive`: on top of it.
    #[serde(default)]
    tax_behavior: String,
}

impl Tax {
    /// Whether it is a part of the amount already.
    pub fn is_included(&self) -> bool {
        self.tax_behavior == "inclusive"
    }
}
