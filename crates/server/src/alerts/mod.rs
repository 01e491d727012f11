//! Alerts: who is to be told when so much is used, and which tenants use more than they may.
//!
//! Owns: `usage_alerts`.
//! Does not own: what is used (`usage`), what is allowed (`entitlements`), how people hear of it (`events`,
//! `outbound`).
//! Invariant: an alert is told once in a window, and that it was told is one transaction with its event.
//! Invariant: a window is looked at once more after its end: what was used in its last moment is told, too.
//!
//! Beside the usual files: `watch.rs` (what has crossed), `exceeding.rs` (who is beyond a limit).

pub mod api;
pub mod exceeding;
pub mod queries;
pub mod tasks;
mod watch;
