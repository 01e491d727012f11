//! Outbound deliveries: what became of one event at one endpoint.

pub mod queries;
