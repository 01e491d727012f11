//! Invoices: what was asked, what was paid, and what was given back.
//!
//! Owns: `invoices`, `invoice_lines`, `invoice_payments`, `refunds`, `disputes`, `credit_notes`.
//! Does not own: how an amount came about; that is Stripe's.
//! Invariant: only `sync.rs` writes here, an invoice with all its parts in one transaction.
//! Invariant: what is paid or void stays so; money can still be given back.
//!
//! Beside the usual files: `parts/` (lines, payments, refunds and credit notes of an invoice), `fetch.rs` (all
//! that Stripe has of one), `many.rs` (of many, by a few calls), `paid_with.rs` (which invoices a charge, a refund or a dispute is about), `tell.rs`
//! (its events) and `revenue.rs` (what it says about revenue).

pub mod actions;
pub mod api;
mod fetch;
pub mod many;
pub mod paid_with;
pub mod parts;
pub mod queries;
mod revenue;
pub mod sync;
mod tell;
