//! The parameters of the calls we make, one file per subject as the calls. `None` is not sent.

mod catalog;
mod checkout;
mod customers;
mod discounts;
mod invoices;
mod meters;
mod schedules;
mod subscriptions;
mod webhook_endpoints;

pub use catalog::{
    CreatePrice, CreateProduct, CreateRecurring, ListPrices, PriceTier, TransformQuantity,
    UpdateProduct,
};
pub use checkout::{
    CreateCheckoutSession, CreatePortalConfiguration, CreatePortalSession, CustomerUpdate, Enabled,
    LineItem, ListCheckoutSessions, PortalCancel, PortalFeatures, PortalProduct, PortalUpdate,
};
pub use customers::{
    AutomaticPaymentMethods, CreateCustomer, CreateSetupIntent, InvoiceSettings,
    ListPaymentMethods, UpdateCustomer,
};
pub use discounts::{
    AppliesTo, CreateCoupon, CreatePromotionCode, ListPromotionCodes, Promotion, Restrictions,
    UpdatePromotionCode, UseDiscount,
};
pub use invoices::{
    ListCreditNotes, ListInvoicePayments, PaidWith, PreviewDetails, PreviewInvoice, Seconds,
};
pub use meters::{
    CreateMeter, CreateMeterEvent, ListMeterEventSummaries, ListMeters, MeterAggregation,
    MeterEventPayload,
};
pub use schedules::{CreateSchedule, Duration, PhaseBilling, SchedulePhase, UpdateSchedule};
pub use subscriptions::{
    AnchorChange, AnchorConfig, CancelSubscription, CancellationDetails, CreateSubscription,
    ListSubscriptions, PauseCollection, PauseSubscription, ResumeSubscription, SubscriptionTerms,
    TrialEndBehavior, TrialSettings, UpdateItem, UpdateSubscription,
};
pub use webhook_endpoints::CreateWebhookEndpoint;
