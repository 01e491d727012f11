//! Status: everything a customer's billing page shows first.
//!
//! Owns: nothing.
//! Does not own: what it shows; `subscriptions` and `slots` say what there is.
//! Invariant: it is answered from the database alone.

pub mod api;
