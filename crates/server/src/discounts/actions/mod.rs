//! The verbs of coupons and promotion codes: one file each.
//!
//! What an operator makes is made in Stripe under a key of the request's own id; `sync` then writes what
//! Stripe says. Whoever dies in between has changed nothing here, and the webhook brings it in.

mod coupons;
mod promotion_codes;
mod redeem;

pub use coupons::{Off, WantedCoupon, create_coupon, delete_coupon};
pub use promotion_codes::{WantedCode, create_promotion_code, set_active};
pub use redeem::{find_promotion_code, is_code, not_applicable};
