//! The parameters of the calls we make, one file per subject as the calls. `None` is not sent.

mod catalog;
mod checkout;
mod customers;
mod invoices;
mod subscriptions;
mod webhook_endpoints;

pub use catalog::{
    CreateMeter, CreatePrice, CreateProduct, CreateRecurring, ListMeters, ListPrices,
    MeterAggregation, PriceTier, TransformQuantity, UpdateProduct,
};
pub use checkout::{
    CreateCheckoutSession, CreatePortalConfiguration, CreatePortalSession, Enabled, LineItem,
    ListCheckoutSessions, PortalCancel, PortalFeatures, PortalProduct, PortalUpdate,
    SubscriptionData,
};
pub use customers::{
    AutomaticPaymentMethods, CreateCustomer, CreateSetupIntent, InvoiceSettings,
    ListPaymentMethods, UpdateCustomer,
};
pub use invoices::{
    ListCreditNotes, ListInvoicePayments, PaidWith, PreviewDetails, PreviewInvoice,
};
pub use subscriptions::{CancelSubscription, CancellationDetails, UpdateItem, UpdateSubscription};
pub use webhook_endpoints::CreateWebhookEndpoint;
