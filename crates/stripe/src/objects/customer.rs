//! Customers: who pays.

use serde::Deserialize;

use super::{Metadata, Ref};
use crate::id::{CustomerId, PaymentMethodId};

#[derive(Clone, Debug, Deserialize)]
pub struct Customer {
    pub id: CustomerId,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    invoice_settings: Option<InvoiceSettings>,
    /// A deleted customer is still answered, with nothing but this.
    #[serde(default)]
    pub deleted: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct InvoiceSettings {
    #[serde(default)]
    default_payment_method: Option<Ref<PaymentMethodId>>,
}

impl Customer {
    /// What is charged where the subscription has no card of its own.
    pub fn default_payment_method(&self) -> Option<&PaymentMethodId> {
        let settings = self.invoice_settings.as_ref()?;
        settings.default_payment_method.as_ref().map(|default| &default.0)
    }
}
