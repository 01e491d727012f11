//! Stripe's objects, only the fields we read, one file per object.
//!
//! Every field but the id may be missing in an older API version: what is not essential is optional.

mod checkout_session;
mod customer;
mod invoice;
mod invoice_preview;
mod list;
mod meter;
mod payment_method;
mod portal;
mod price;
mod product;
mod schedule;
mod setup_intent;
mod subscription;
mod webhook_endpoint;

pub use checkout_session::{CheckoutSession, CheckoutStatus, PaymentStatus};
pub use customer::Customer;
pub use invoice::{Invoice, InvoiceStatus};
pub use invoice_preview::{InvoiceLine, InvoicePreview, LinePeriod};
pub use list::{List, Metadata, Ref};
pub use meter::Meter;
pub use payment_method::{Card, PaymentMethod, PaymentMethodRef};
pub use portal::{PortalConfiguration, PortalSession};
pub use price::{Price, Recurring};
pub use product::Product;
pub use schedule::{Phase, PhaseItem, Schedule};
pub use setup_intent::SetupIntent;
pub use subscription::{StartedSubscription, Subscription, SubscriptionItem, SubscriptionStatus};
pub use webhook_endpoint::WebhookEndpoint;
