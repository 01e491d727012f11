//! Credits: what plans include and operators grant, what usage spends of it, and what is lost; line by line.
//!
//! Owns: `credit_grants`, `credit_readings`, `credit_accounts`.
//! Does not own: how grants and readings make a ledger (`tollhouse_domain::credits`), what is used (`usage`),
//! what plans include (`catalog`).
//! Invariant: grants and readings are only added, and one reading at a time for a tenant: the ledger they make
//! only grows.
//! Invariant: a reading of a period that is over is taken when nothing more can count in it.

pub mod actions;
pub mod api;
pub mod queries;
pub mod tasks;
