//! Analytics: what an operator is shown of customers, subscriptions, charges and revenue.
//!
//! Owns: nothing.
//! Does not own: what is shown; `revenue` sums it up, `tenants`, `subscriptions` and `invoices` say the rest.
//! Invariant: it is answered from the database alone; no figure is read from what grows with every invoice or
//! usage event but by a bounded page.
//! Invariant: currencies are never added up.

//!
//! Beside the usual files: `series.rs` (what happened in each day or month of a span).

pub mod actions;
pub mod api;
pub mod queries;
pub mod series;
