//! Audit: who did what, to what, through which request.
//!
//! Owns: `audit_entries`, `audit_chains`.
//! Does not own: what happened to a tenant in the order it happened; that is `events`.
//! Invariant: rows are only added, and only by `record`, in the transaction of the change. Soon after, each is
//! sealed: it gets its place in the chain of its tenant, or of the platform, and a hash over itself and the one
//! before it. Then nothing of it changes.
//!
//! Beside the usual files: `chain.rs` (the hash), `verify.rs` (whether the chains hold).

pub mod api;
pub mod chain;
pub mod queries;
pub mod tasks;
pub mod verify;
