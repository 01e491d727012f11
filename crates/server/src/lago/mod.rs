//! Lago: each report of usage is sent there too, where it is configured.
//!
//! Owns: nothing; what is still to be sent is kept with the reports (`usage::forward`).
//! Does not own: what a report says (`usage`).
//! Invariant: a report that was counted while Lago is configured is sent until Lago has it, or has refused it by name.
//! Invariant: no report waits for Lago.
//!
//! Beside the usual files: `client.rs` (one request to Lago) and `event.rs` (a report in Lago's words).

mod client;
mod event;
pub mod tasks;

pub use client::Lago;
