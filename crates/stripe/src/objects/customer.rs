//! Customers: who pays.

use serde::Deserialize;

use super::{Expandable, Metadata, PaymentMethod, Ref};
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
    /// A card in Stripe's older way; charged where there is no payment method.
    #[serde(default)]
    default_source: Option<Ref<String>>,
    /// A deleted customer is still answered, with nothing but this.
    #[serde(default)]
    pub deleted: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct InvoiceSettings {
    #[serde(default)]
    default_payment_method: Option<Expandable<PaymentMethod>>,
}

impl Customer {
    /// What is charged where the subscription has no card of its own.
    pub fn default_payment_method(&self) -> Option<PaymentMethodId> {
        let settings = self.invoice_settings.as_ref()?;
        settings.default_payment_method.as_ref().map(|method| match method {
            Expandable::Id(id) => PaymentMethodId::new(id),
            Expandable::Object(method) => method.id.clone(),
        })
    }

    /// The same as a whole, where Stripe was asked for it.
    pub fn expanded_payment_method(&self) -> Option<&PaymentMethod> {
        self.invoice_settings.as_ref()?.default_payment_method.as_ref()?.object()
    }

    /// Whether it has a card in Stripe's older way.
    pub fn has_source(&self) -> bool {
        self.default_source.is_some()
    }
}
