//! Entitlements: the features that products bring, and who has them.

mod active;
pub mod features;
pub mod product_features;

pub use active::{ActiveEntitlement, Grants, follow, list, retrieve};
pub use features::Feature;
pub use product_features::ProductFeature;
