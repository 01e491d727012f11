//! Outbound webhooks: a tenant's events, posted to endpoints of the application, signed, in order, until they
//! are taken.
//!
//! Owns: `webhook_endpoints`, `outbound_lanes`, `outbound_deliveries`.
//! Does not own: the events; a lane only says how far an endpoint was told of a tenant's (`events`).
//! Invariant: what is sent is read from the events' table, in order of their numbers; a later event of a tenant
//! waits for the earlier one, other tenants do not.
//! Invariant: an event is sent again only where we cannot know that it was taken, or an operator asks for it.
//! Invariant: a pending delivery is the next event of its lane, and is sent whatever the filter says meanwhile.
//! Invariant: in a transaction, rows are locked in this order: endpoint, event counters, lanes.
//!
//! Beside the usual files: `filter.rs` (which events), `schedule.rs` (when again), `targets.rs` (where to),
//! `signature.rs` (Standard Webhooks), `message.rs` (what is posted), `sender.rs` (one request) and `tell.rs`
//! (one attempt, and what follows); `lanes/` and `deliveries/` hold a table each.

mod actions;
pub mod api;
pub mod deliveries;
mod filter;
pub mod lanes;
mod message;
pub mod queries;
mod schedule;
mod sender;
mod signature;
mod targets;
pub mod tasks;
mod tell;

pub use sender::Sender;
