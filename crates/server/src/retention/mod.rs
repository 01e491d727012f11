//! Retention: what was kept long enough goes, table by table, and what is personal of tenants that are over.
//!
//! Owns: `retention_runs`.
//! Does not own: the rows that go; their slices delete them.
//! Invariant: one run at a time, on the instance that holds its lease; whoever lost the lease removes nothing.
//! Invariant: what went is counted in the transaction in which it goes.
//! Invariant: nothing of a tenant under a legal hold goes, and no figure of anyone's.
//!
//! Beside the usual files: `policy.rs` (how long, for whom), `run.rs` (a run from its claim to its end),
//! `walk.rs` (the tables, page by page), and `erase.rs` (what is personal of one tenant).

pub mod actions;
pub mod api;
mod erase;
mod policy;
pub mod queries;
pub mod run;
pub mod tasks;
mod walk;
