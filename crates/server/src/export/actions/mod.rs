//! Putting billable hours into meter events, sending these, and what a person can do where that fails.

mod cut;
mod look_up;
mod person;
mod send;

pub use cut::cut;
pub use look_up::value_at_stripe;
pub use person::{Verdict, settle};
pub use send::{refuse, send};
