//! Payment methods: the cards on file.
//!
//! Owns: nothing; the cards are Stripe's, and are asked for when they are shown.
//! Does not own: the page that asks for a card; that is Stripe's too.
//! Invariant: the default is set on the customer and on the live subscription, since the subscription's own
//! is charged first.
//! Invariant: the last card of a subscription that goes on stays.

pub mod actions;
pub mod api;
