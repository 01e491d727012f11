//! Reconcile: comparing our tables with Stripe by the clock, so that a webhook that never came is no loss.
//!
//! Owns: `reconcile_runs`, `drift`.
//! Does not own: how a row becomes what Stripe has; that is the `sync.rs` of its slice, the same as for a
//! webhook.
//! Invariant: one run at a time, on the instance that holds its lease; whoever lost the lease writes nothing.
//! Invariant: a run that is killed goes on after its last page, and one that Stripe throttles is not done.
//! Invariant: what was found to differ is written down, healed or waiting for a person.
//!
//! Beside the usual files: `run.rs` (a run from its claim to its end), `lost.rs` (webhooks that never came),
//! `pages.rs` (objects page by page), `usage.rs` (what Stripe's meters come to), `drift` (one object: what
//! differs, and healing it), and `import.rs` (tenants of Stripe's customers).

pub mod actions;
pub mod api;
pub mod drift;
pub mod import;
mod lost;
mod pages;
pub mod queries;
pub mod run;
pub mod tasks;
mod usage;
