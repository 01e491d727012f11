//! Events: everything that happened to a tenant, in order, and live.
//!
//! Owns: `events`, `event_counters`, `event_positions`, `event_copies`.
//! Does not own: the list of what can happen (`domain::event`), nor the decision that it did.
//! Invariant: a tenant's numbers are 1, 2, 3 … without gaps, in the order of the commits.
//! Invariant: `relayed` counts what was handed on to the outbound lanes; it never passes `last`.
//! Invariant: rows are only added, and only by `record`, in the transaction of the change; later each is
//! given, once, its position among the events of all tenants.
//! Invariant: whoever sees a position sees every one before it.
//!
//! Beside the usual files: `samples.rs` (one of each, for the documentation), `stream.rs` (server-sent events), `wake.rs` (waking other instances) and `copy.rs`
//! (every event into a Redis Stream).

pub mod api;
pub mod copy;
pub mod queries;
pub mod samples;
mod stream;
pub mod tasks;
pub mod wake;

pub use stream::Streams;
