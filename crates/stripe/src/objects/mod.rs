//! Stripe's objects, only the fields we read, one file per object.
//!
//! Every field but the id may be missing in an older API version: what is not essential is optional.

mod checkout_session;
mod coupon;
mod credit_note;
mod customer;
mod discount;
mod entry;
mod invoice;
mod invoice_line;
mod invoice_preview;
mod list;
mod meter;
mod payment;
mod payment_method;
mod portal;
mod price;
mod product;
mod promotion_code;
mod schedule;
mod setup_intent;
mod subscription;
mod tax;
mod webhook_endpoint;

pub use checkout_session::{CheckoutSession, CheckoutStatus, PaymentStatus};
pub use coupon::{Coupon, DeletedCoupon};
pub use credit_note::CreditNote;
pub use customer::Customer;
pub use discount::{Discount, DiscountAmount};
pub use entry::Entry;
pub use invoice::{Invoice, InvoiceStatus, StatusTransitions};
pub use invoice_line::{InvoiceLine, LinePeriod};
pub use invoice_preview::InvoicePreview;
pub(crate) use list::Listed;
pub use list::{Expandable, List, Metadata, Ref};
pub use meter::{
    Meter, MeterErrorReason, MeterErrorReport, MeterErrorType, MeterErrors, MeterEvent,
    MeterEventSummary, MeterFormula, PayloadKey, RefusedRequest, SampleError,
};
pub use payment::{Charge, Dispute, InvoicePayment, PaymentKind, Refund};
pub use payment_method::{Card, PaymentMethod};
pub use portal::{PortalConfiguration, PortalSession};
pub use price::{Price, Recurring};
pub use product::Product;
pub use promotion_code::PromotionCode;
pub use schedule::{Phase, PhaseItem, Schedule};
pub use setup_intent::SetupIntent;
pub use subscription::{
    Charged, PausedCollection, StartedSubscription, Subscription, SubscriptionItem,
    SubscriptionStatus,
};
pub use tax::Tax;
pub use webhook_endpoint::WebhookEndpoint;
