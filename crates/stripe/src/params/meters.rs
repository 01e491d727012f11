//! Billing meters, and what is reported to them.

use serde::Serialize;

use crate::id::CustomerId;

#[derive(Clone, Debug, Serialize)]
pub struct CreateMeter {
    pub display_name: String,
    pub event_name: String,
    pub default_aggregation: MeterAggregation,
}

#[derive(Clone, Debug, Serialize)]
pub struct MeterAggregation {
    /// `sum`, `count` or `last`.
    pub formula: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListMeters {
    pub status: &'static str,
}

/// One report to the active meter of a name.
#[derive(Clone, Debug, Serialize)]
pub struct CreateMeterEvent {
    pub event_name: String,
    /// What bears it twice within a day is counted once.
    pub identifier: String,
    /// When it was used, in Unix seconds: 35 days ago at most, 5 minutes ahead at most.
    pub timestamp: i64,
    pub payload: MeterEventPayload,
}

/// Under the keys that Stripe gives a meter where its maker names no others.
#[derive(Clone, Debug, Serialize)]
pub struct MeterEventPayload {
    pub stripe_customer_id: CustomerId,
    /// A decimal: fifteen digits before the point at most, twelve after it.
    pub value: String,
}

/// Whole minutes, in Unix seconds.
#[derive(Clone, Debug, Serialize)]
pub struct ListMeterEventSummaries {
    pub customer: CustomerId,
    /// This minute included.
    pub start_time: i64,
    /// This minute not.
    pub end_time: i64,
}
