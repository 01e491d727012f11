//! Lanes: one tenant's events on their way to one endpoint, in order.

pub mod queries;
