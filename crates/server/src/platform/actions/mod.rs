//! The verbs of an operator: one file each.

mod begin;
mod create;
mod plan;
mod settle;
mod standing;

pub use begin::{Beginning, begin};
pub use create::{check_opening, create, order};
pub use plan::{PlanChange, When, change_plan};
pub use settle::settle;
pub use standing::stand;
