//! Analytics: what an operator is shown of customers, subscriptions, charges and revenue.
//!
//! Owns: nothing.
//! Does not own: what is shown; `revenue` sums it up, `tenants`, `subscriptions` and `invoices` say the rest.
//! Invariant: it is answered from the database alone; no figure is read from what grows with every invoice or
//! usage event but by a bounded page.
//! Invariant: currencies are never added up.

pub mod api;
pub mod queries;
