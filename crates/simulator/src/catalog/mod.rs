//! What is sold: products and prices.

pub mod amount;
pub mod plans;
pub mod prices;
pub mod products;
mod show_price;

pub use prices::{Price, Recurring};
pub use products::Product;
pub use show_price::{as_plan, render_options, render_tiers};
