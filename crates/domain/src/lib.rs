//! The rules of billing, with no I/O: pure functions over plain values.
//!
//! Nothing here reads a clock, a database or the network; a rule that depends on the moment takes
//! it as an argument. Money is whole minor units or an exact decimal of them, never a float.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`id`] | our ids: time-ordered UUIDs, one type each |
//! | [`time`] | moments in UTC, their text, and months that clamp |
//! | [`money`] | currencies, amounts, and arithmetic that refuses instead of overflowing |
//! | [`rounding`] | the only ways to round |
//! | [`price`] | quantity in, money out |
//! | [`discount`] | percentages, and whether a code can be redeemed |
//! | [`plan`] | what can be bought, and what makes a catalog valid |
//! | [`period`] | billing periods from an anchor |
//! | [`proration`] | what a change inside a period credits and debits |
//! | [`subscription`] | states, and what a move between them means |
//! | [`addon`] | how an add-on follows its base subscription |
//! | [`slots`] | which subscription a slot in use counts against |
//! | [`access`] | which state still grants access, and until when |
//! | [`invoice`] | an invoice's states, and what a move between them means |
//! | [`money_back`] | refunds and credit notes, and what a move between their states means |
//! | [`usage`] | what a report counts, in which windows, and what the reports come to |
//! | [`credits`] | what usage costs in credits, what covers it, and what the rest costs |
//! | [`entitlement`] | whether a tenant may use so much of a feature, and why |
//! | [`checkout`] | how far a tenant got on the page it was sent to |
//! | [`tenant`] | whether a tenant may use what it has bought |
//! | [`retention`] | how long what is kept is kept |
//! | [`event`] | the closed list of things that can happen |
//! | [`actor`] | who did it, and who may do what |
//! | [`revenue`] | what a subscription comes to in a month, and what a change of it is called |
//! | [`refusal`] | the closed list of reasons a rule says no |
#![deny(clippy::float_arithmetic)]

pub mod access;
pub mod actor;
pub mod addon;
pub mod card;
pub mod checkout;
pub mod credits;
mod decimal;
pub mod discount;
pub mod dispute;
pub mod entitlement;
pub mod event;
pub mod id;
pub mod invoice;
pub mod money;
pub mod money_back;
pub mod period;
pub mod plan;
pub mod price;
pub mod proration;
pub mod reconcile;
pub mod refusal;
pub mod retention;
pub mod revenue;
pub mod rounding;
pub mod slots;
pub mod subscription;
pub mod summary;
pub mod tenant;
mod text;
pub mod time;
pub mod usage;

pub use access::Access;
pub use actor::{Actor, Permission, Role, Scope};
pub use checkout::CheckoutState;
pub use discount::{CouponDuration, Percent, PromotionCodeState};
pub use event::EventType;
pub use id::{
    ApiKeyId, AuditId, CheckoutId, DeliveryId, EventId, InvalidId, InvoiceId, RequestId,
    ReservationId, SlotId, SubscriptionId, TenantId, UsageEventId,
};
pub use invoice::{InvoiceState, InvoiceStatus};
pub use money::{Amount, Currency, Money, MoneyError};
pub use money_back::{CreditNoteStatus, RefundStatus};
pub use period::{Period, Recurrence};
pub use plan::{
    Aggregation, Catalog, Credits, FeatureValue, Limit, LimitPeriod, Meter, Plan, PlanKind,
    Problem, Slots,
};
pub use price::{Interval, Model, ModelKind, Price, Tier};
pub use refusal::Refusal;
pub use subscription::{State, Status};
pub use tenant::TenantStatus;
pub use text::UnknownWord;
pub use time::Timestamp;
pub use usage::{Quantity, Window};
