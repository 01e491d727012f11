//! Tenants: our customers, and their customer in Stripe.
//!
//! Owns: `tenants`.
//! Does not own: what a tenant has bought, nor who may act for it (`http::auth`).
//! Invariant: one tenant has at most one customer, and one customer at most one tenant; a customer is
//! made under a key of the tenant's id, so that a race or a crash makes no second one.

/// The metadata key under which a customer bears the id of its tenant.
pub const TENANT_ID: &str = "tenant_id";

pub mod actions;
pub mod api;
pub mod queries;
pub mod sync;
