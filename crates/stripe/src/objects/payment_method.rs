//! Payment methods: what a customer pays with.

use serde::Deserialize;

use crate::id::PaymentMethodId;

#[derive(Clone, Debug, Deserialize)]
pub struct PaymentMethod {
    pub id: PaymentMethodId,
    /// `card`, `sepa_debit` …
    pub r#type: String,
    #[serde(default)]
    pub card: Option<Card>,
    /// Unix seconds.
    #[serde(default)]
    pub created: i64,
}

/// A payment method where Stripe sends its id or, expanded, the whole object.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum PaymentMethodRef {
    Id(PaymentMethodId),
    Object(PaymentMethod),
}

impl PaymentMethodRef {
    pub fn id(&self) -> &PaymentMethodId {
        match self {
            Self::Id(id) => id,
            Self::Object(method) => &method.id,
        }
    }

    /// Its card, where it was expanded and is one.
    pub fn card(&self) -> Option<&Card> {
        match self {
            Self::Id(_) => None,
            Self::Object(method) => method.card.as_ref(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Card {
    pub brand: String,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
}
