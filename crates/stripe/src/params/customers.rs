//! Customers, and the cards they pay with.

use serde::Serialize;

use crate::{
    id::{CustomerId, PaymentMethodId},
    objects::Metadata,
};

#[derive(Clone, Debug, Default, Serialize)]
pub struct CreateCustomer {
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateCustomer {
    pub email: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub invoice_settings: Option<InvoiceSettings>,
}

#[derive(Clone, Debug, Serialize)]
pub struct InvoiceSettings {
    pub default_payment_method: PaymentMethodId,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreateSetupIntent {
    pub customer: CustomerId,
    pub automatic_payment_methods: AutomaticPaymentMethods,
}

#[derive(Clone, Debug, Serialize)]
pub struct AutomaticPaymentMethods {
    pub enabled: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListPaymentMethods {
    pub limit: u32,
}
