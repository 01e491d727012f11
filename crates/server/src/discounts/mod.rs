//! Discounts: coupons, and the promotion codes by which people redeem them.
//!
//! Owns: `coupons`, `promotion_codes`.
//! Does not own: which discounts a subscription has; Stripe says so with the subscription (`subscriptions`).
//! Invariant: only `sync.rs` writes here. What an operator makes is made in Stripe first, and what is made in
//! Stripe's dashboard is as good.
//! Invariant: whether a code can be redeemed is asked of Stripe each time: it counts redemptions, we do not.

pub mod actions;
pub mod api;
pub mod queries;
pub mod sync;
