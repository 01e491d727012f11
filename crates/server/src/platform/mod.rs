//! Platform: what an operator does with tenants, and what that makes of their subscriptions.
//!
//! Owns: nothing.
//! Does not own: the tenants' rows (`tenants`), nor how a subscription is begun, held or ended (`checkout`,
//! `subscriptions`).
//! Invariant: how a tenant stands is written first, with the note that Stripe is to follow; access is gone
//! or back with that commit. Then Stripe is told, at once where it answers, else by the task.
//! Invariant: one at a time tells Stripe about a tenant, and does it by what is written at that moment; a
//! change meanwhile has it done once more.

pub mod actions;
pub mod api;
pub mod queries;
pub mod tasks;
