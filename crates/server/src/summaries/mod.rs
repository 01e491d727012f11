//! Summaries: what was invoiced in a span of time, and what became of it, for one tenant or all of them.
//!
//! Owns: nothing.
//! Does not own: the invoices, nor what they are made of (`invoices`).
//! Invariant: every part of what was invoiced is paid, outstanding, void or uncollectible, and the lines come to
//! the same; one snapshot of the database says all of it.

pub mod api;
pub mod queries;
