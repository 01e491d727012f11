//! Monitoring: what Prometheus is told.
//!
//! Owns: nothing.
//! Does not own: what is counted on the way (`metrics`), nor the tables that it looks at.
//! Invariant: a scrape takes one connection and a few queries, each of which looks at a bounded number of rows; only
//! endpoints and open differences, which are few, are counted whole.
//! Invariant: nothing that is told is about one tenant.
//!
//! Beside the usual files: `readings.rs` (what is looked up), `listener.rs` (an address for monitors alone).

pub mod api;
mod listener;
mod readings;

pub use listener::serve_monitors;
