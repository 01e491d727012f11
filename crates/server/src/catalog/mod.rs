//! The catalog: plans, prices and meters, from a file into our tables and into Stripe.
//!
//! Owns: `plans`, `prices`, `meters`.
//! Does not own: what a price amounts to (`domain::price`), nor what a tenant has bought.
//! Invariant: the terms of a loaded plan version never change; new terms are a new version.
//! Invariant: a price in our table and its price in Stripe have the same lookup key.
//!
//! Beside the usual files: `file.rs` (the catalog as a file) and `push.rs` (its products and prices in Stripe).

pub mod actions;
pub mod api;
pub mod file;
pub mod push;
pub mod queries;
