//! Revenue: what each subscription comes to in a month (MRR), each change of that, and the changes of each day.
//!
//! Owns: `recurring_revenue`, `revenue_facts`, `revenue_days`, `revenue_cohorts`, `revenue_counting`.
//! Does not own: what a subscription comes to (`domain::revenue`), who reads the figures (`analytics`).
//! Invariant: the facts of a tenant sum to what its subscriptions come to, in the transaction of each change.
//! Invariant: a fact never changes; it is counted once, and the days can be made anew from all of them.
//!
//! Beside the usual files: `days/` (the facts summed up by day and by month of the first payment).

pub mod actions;
pub mod days;
pub mod queries;
pub mod tasks;
