//! Billable hours: what the reports of meters that are at Stripe come to, hour by hour, and what of it is still
//! to be told there.

pub mod queries;
