//! Schedules: changes of a subscription that wait for their day.

use serde::Serialize;

use super::LineItem;
use crate::id::SubscriptionId;

/// A schedule of a subscription that runs; its first phase is the period that runs.
#[derive(Clone, Debug, Serialize)]
pub struct CreateSchedule {
    pub from_subscription: SubscriptionId,
}

/// All phases of a schedule, the running one first.
#[derive(Clone, Debug, Serialize)]
pub struct UpdateSchedule {
    /// `release`: the subscription goes on by itself after the last phase.
    pub end_behavior: &'static str,
    /// How the change itself is billed: `none`.
    pub proration_behavior: &'static str,
    pub phases: Vec<SchedulePhase>,
}

#[derive(Clone, Debug, Serialize)]
pub struct SchedulePhase {
    pub items: Vec<LineItem>,
    /// Unix seconds; the end of the phase before it where absent.
    pub start_date: Option<i64>,
    /// Unix seconds; or `duration`.
    pub end_date: Option<i64>,
    pub duration: Option<Duration>,
    pub proration_behavior: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct Duration {
    /// `day`, `week`, `month` or `year`.
    pub interval: String,
    pub interval_count: i64,
}
