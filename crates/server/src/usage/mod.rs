//! Usage: every report of the application, counted once, and what the reports come to.
//!
//! Owns: `usage_events`, `usage_rollups`, `usage_values`, `usage_billable`, `usage_to_forward`.
//! Does not own: which window a report counts in and how reports add up (`tollhouse_domain::usage`);
//! which meters and limits there are (`catalog`);
//! what Stripe and Lago are told (`export`, `lago`).
//! Invariant: a report, its key and its roll-ups are one transaction; the same key counts once for a tenant.
//! Invariant: nobody is told that a report was counted before it is durable.
//! Invariant: reading touches roll-ups only, so its cost does not grow with the number of reports.
//!
//! Invariant: what counts at a meter that is at Stripe is in a billable hour, in the transaction of the report.
//!
//! Beside the usual files: `intake.rs` (counting many at once), `billable/` (what Stripe is still to be
//! told), `forward/` (what Lago is still to have).

pub mod actions;
pub mod api;
pub mod billable;
pub mod forward;
mod intake;
pub mod queries;
pub mod tasks;

pub use intake::{Intake, Onward, Submission};
