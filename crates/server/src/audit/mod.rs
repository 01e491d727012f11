//! Audit: who did what, to what, through which request.
//!
//! Owns: `audit_entries`.
//! Does not own: what happened to a tenant in the order it happened; that is `events`.
//! Invariant: rows are only added, and only by `record`, in the transaction of the change.

pub mod api;
pub mod queries;
