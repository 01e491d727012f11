//! Checkout: sending someone to Stripe's page to pay.
//!
//! Owns: `checkouts`.
//! Does not own: the subscription that comes of it (`subscriptions`), nor the customer (`tenants`).
//! Invariant: our row is written before Stripe is called, and its id is the key of that call; whoever dies
//! in between leaves a row that the same request completes.
//! Invariant: a tenant's older open pages are closed when a newer one is opened, and all of them when one
//! is paid: nobody pays twice by two tabs.

pub mod actions;
pub mod api;
pub mod queries;
pub mod sync;
