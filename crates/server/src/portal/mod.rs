//! The portal: sending someone to Stripe's page to manage what they have.
//!
//! Owns: `portal_configurations`.
//! Does not own: what they do there; it comes back by webhook, like everything else.
//! Invariant: what the portal offers is what the catalog sells; another catalog gets a configuration of its own.

pub mod actions;
pub mod api;
pub mod queries;
