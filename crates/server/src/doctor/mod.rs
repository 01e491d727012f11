//! Doctor: what is found of an installation that runs, each finding with what to do about it.
//!
//! Owns: nothing.
//! Does not own: what it looks at; nor what is found of settings, files and disks (`tollhouse doctor`).
//! Invariant: it changes nothing, neither in the database nor at Stripe.
//!
//! Beside the usual files: `finding.rs`, and one for each thing that is looked at: `backlog.rs`, `schema.rs`,
//! `redis.rs`, `stripe.rs`, `time.rs`.

pub mod backlog;
mod finding;
pub mod redis;
pub mod schema;
pub mod stripe;
pub mod time;

pub use finding::{Finding, Verdict};
