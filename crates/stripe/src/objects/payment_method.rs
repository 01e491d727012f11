//! Payment methods: what a customer pays with.

use serde::Deserialize;

use super::Ref;
use crate::id::{CustomerId, PaymentMethodId};

#[derive(Clone, Debug, Deserialize)]
pub struct PaymentMethod {
    pub id: PaymentMethodId,
    /// `card`, `sepa_debit` …
    pub r#type: String,
    #[serde(default)]
    pub card: Option<Card>,
    /// None once it was removed.
    #[serde(default)]
    pub customer: Option<Ref<CustomerId>>,
    /// Unix seconds.
    #[serde(default)]
    pub created: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Card {
    pub brand: String,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
}
