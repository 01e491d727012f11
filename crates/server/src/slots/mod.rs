//! Slots: what resources of the application hold, as many as the tenant's subscriptions grant.
//!
//! Owns: `slots`, `slot_counters`.
//! Does not own: how many a plan grants (`catalog`), whether a subscription still grants it (`subscriptions`).
//! Invariant: a counter is changed in the transaction of its slot, and goes up only while it is below the
//! limit: however many claim at once, no more slots are given than are granted.
//! Invariant: a slot ends only by its release. Losing access and downgrading refuse new claims, nothing else.

pub mod actions;
pub mod api;
pub mod queries;
