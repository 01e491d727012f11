//! Invoices: what was asked and what was paid.
//!
//! Owns: `invoices`.
//! Does not own: how an amount came about; that is Stripe's.
//! Invariant: only `sync.rs` writes here, and what is paid or void stays so.

pub mod api;
pub mod queries;
pub mod sync;
