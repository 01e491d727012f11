//! What an invoice is made of: its lines, the payments towards it, and what was given back.

mod queries;

pub use queries::*;
