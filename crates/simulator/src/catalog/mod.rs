//! What is sold: products, prices, and the meters metered prices count on.

pub mod amount;
pub mod meters;
pub mod prices;
pub mod products;
mod show_price;

pub use meters::Meter;
pub use prices::{Price, Recurring};
pub use products::Product;
pub use show_price::{as_plan, render_options, render_tiers};
