//! Webhooks: everything Stripe has told us, kept as it came, and worked until it is settled.
//!
//! Owns: `deliveries`.
//! Does not own: what an object means; its slice's `sync.rs` does.
//! Invariant: a delivery is durable before Stripe hears 200; a second copy of an event changes nothing.
//! Invariant: every delivery ends as done, ignored or dead, with a reason; dead ones wait for a person.
//!
//! Beside the usual files: `sort.rs` (what a body is about), `intake.rs` (storing many at once), `state.rs`
//! (where a delivery stands), `dispatch.rs` (which type syncs what), `fetches.rs` (what Stripe shows of all that
//! a claim is about) and `settle.rs` (how deliveries end).

pub mod actions;
pub mod api;
pub mod dispatch;
mod fetches;
mod intake;
pub mod queries;
mod settle;
mod sort;
mod state;
pub mod tasks;

pub use intake::Intake;
pub use state::{State, UnknownState};
