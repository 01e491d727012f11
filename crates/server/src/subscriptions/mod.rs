//! Subscriptions: what a tenant has bought, and until when.
//!
//! Owns: `subscriptions`.
//! Does not own: prices (`catalog`), invoices, the decision whether access is granted (`domain::access`).
//! Invariant: only `sync.rs` writes here; status and period are Stripe's to say.
//! Invariant: a row never goes back to an older state of Stripe's, and what is over stays over.
//! Invariant: a verb asks Stripe, then syncs; it writes nothing itself.
//! Invariant: the plan version a subscription was bought under stays its own until Stripe shows another price.

pub mod actions;
pub mod api;
pub mod queries;
pub mod sync;
