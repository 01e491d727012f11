//! Usage at Stripe: what meters counted becomes meter events, each of which Stripe counts once.
//!
//! Owns: `meter_events`.
//! Does not own: what was counted, and in which billable hour (`usage`); the meters at Stripe (`catalog`).
//! Invariant: a meter event is durable, with its identifier, before Stripe is asked, and never changes after that.
//! Invariant: what is in meter events of a billable hour is what `usage_billable` says is exported: both are one
//! transaction.
//! Invariant: where Stripe may have a meter event and would not know a second one as the same, it is not sent again
//! before that was looked up.

pub mod actions;
pub mod api;
pub mod queries;
pub mod sync;
pub mod tasks;
