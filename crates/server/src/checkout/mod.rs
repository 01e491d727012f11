//! Checkout: buying, on Stripe's page or with the card on file.
//!
//! Owns: `checkouts`.
//! Does not own: the subscription that comes of it (`subscriptions`), nor the customer (`tenants`).
//! Invariant: our row is written before Stripe is called, and its id is the key of that call; whoever dies
//! in between leaves a row that the same request completes.
//! Invariant: one purchase at a time is prepared for a tenant; it begins with taking in what Stripe knows of the
//! ones before it. So nobody buys the same twice by two requests.
//! Invariant: a tenant's older open pages are closed when a newer one is opened, and all of them when one
//! is paid: nobody pays twice by two tabs.

pub mod actions;
pub mod api;
pub mod queries;
pub mod sync;
