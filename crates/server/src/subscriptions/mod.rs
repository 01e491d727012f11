//! Subscriptions: what a tenant has bought, and until when.
//!
//! Owns: `subscriptions`, `subscription_items`.
//! Does not own: prices (`catalog`), invoices, the decision whether access is granted (`domain::access`).
//! Invariant: only `sync.rs` writes here; status and period are Stripe's to say.
//! Invariant: a row never goes back to an older state of Stripe's, and what is over stays over.
//! Invariant: an add-on whose base changed is looked at until it follows; that is written down with the change.
//! Invariant: a verb asks Stripe, then syncs; it writes nothing itself.
//! Invariant: the plan version a subscription was bought under stays its own until Stripe shows another price.
//!
//! Beside the usual files: `offer.rs` (what can be bought), `terms.rs` (what was bought), `many.rs` (many of Stripe's,
//! by a few calls), `revenue.rs` (what comes to what in a month) and `due/` (what is to be looked at, and when).

pub mod actions;
pub mod api;
pub mod due;
pub mod many;
pub mod offer;
pub mod queries;
pub mod revenue;
pub mod sync;
pub mod tasks;
mod terms;

/// The key in an add-on's metadata under which it bears our id of its base.
pub const PARENT_ID: &str = "parent_subscription_id";
/// The key under which a subscription bears our id of the purchase it came of.
pub const CHECKOUT_ID: &str = "checkout_id";
/// In an add-on's metadata: its end was set because its base has one.
const FOLLOWS_END: &str = "follows_end";
