//! Schedules: changes of a subscription that wait for their day.

use serde::Serialize;

use super::{Enabled, LineItem, UseDiscount};
use crate::id::{PaymentMethodId, SubscriptionId};

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
    /// What a phase does not name is unset while it runs.
    #[serde(flatten)]
    pub billing: PhaseBilling,
}

/// How a phase is billed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PhaseBilling {
    pub discounts: Vec<UseDiscount>,
    pub default_tax_rates: Vec<String>,
    pub automatic_tax: Option<Enabled>,
    pub default_payment_method: Option<PaymentMethodId>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Duration {
    /// `day`, `week`, `month` or `year`.
    pub interval: String,
    pub interval_count: i64,
}
