//! The part of Stripe we use, in Stripe's own words.
//!
//! Nothing here knows Tollhouse: ids, statuses and objects are named as Stripe names them, at the
//! API version [`API_VERSION`]. Unknown fields and unknown enum values are kept or passed over, never
//! refused, because Stripe adds some every month.
//!
//! - [`Client`]: every call we make, one method each, with retries.
//! - [`Gateway`]: how a call reaches Stripe: over HTTPS ([`http::HttpGateway`]), in process (the
//!   simulator's), or not at all ([`unconfigured::Unconfigured`]).
//! - [`signature`]: signing and verifying webhook deliveries.
//! - [`personal`]: which parts of an object say who somebody is.
//! - [`Event`]: the envelope of a webhook.

mod client;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
mod event;
pub mod form;
mod gateway;
pub mod http;
mod id;
pub mod objects;
mod open_enum;
mod pace;
pub mod params;
pub mod personal;
mod retry;
pub mod signature;
pub mod unconfigured;

pub use client::{Client, Collection, Fetched};
pub use error::{Error, Result};
pub use event::{Created, Event, listed_at};
pub use gateway::{Answer, BoxFuture, Call, Failure, Gateway, IdempotencyKey, Method};
pub use id::{
    ChargeId, CheckoutSessionId, CouponId, CreditNoteId, CustomerId, DiscountId, DisputeId,
    EventId, InvoiceId, InvoiceLineId, InvoicePaymentId, PaymentIntentId, PaymentMethodId, PriceId,
    ProductId, PromotionCodeId, RefundId, ScheduleId, SubscriptionId, SubscriptionItemId,
    WebhookEndpointId,
};

/// The API version every request names and every webhook endpoint of ours is registered with.
///
/// `2026-10-28.endive` is the version the newest official clients pin.
pub const API_VERSION: &str = "2026-10-28.endive";
