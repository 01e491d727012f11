//! Entitlements: may a tenant use so much of a feature? The answer, with its reason, and units held for it.
//!
//! Owns: `reservations`, `reservation_locks`.
//! Does not own: the decision (`tollhouse_domain::entitlement`), what plans grant (`catalog`), what is used
//! (`usage`), how a tenant and its subscription stand (`tenants`, `subscriptions`).
//! Invariant: an answer takes two queries, and asks nobody but the database.
//! Invariant: whoever reserves or settles holds the row of that meter and tenant in `reservation_locks` until
//! the commit: what is used and held together passes no hard limit by reservations, however many ask at once.
//! Invariant: a settlement and its usage are one transaction.
//!
//! Beside the usual files: `holds.rs` (deciding many at once).

pub mod actions;
pub mod api;
mod holds;
pub mod queries;
pub mod tasks;

pub use holds::Holds;
