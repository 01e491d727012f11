//! Schedules: changes of a subscription that wait for their day.

use serde::Deserialize;

use super::Ref;
use crate::id::{PriceId, ScheduleId, SubscriptionId};

#[derive(Clone, Debug, Deserialize)]
pub struct Schedule {
    pub id: ScheduleId,
    /// `active` while phases are to come.
    pub status: String,
    /// The subscription it manages; none once it is over.
    #[serde(default)]
    pub subscription: Option<Ref<SubscriptionId>>,
    /// The subscription it managed until it was released.
    #[serde(default)]
    pub released_subscription: Option<Ref<SubscriptionId>>,
    #[serde(default)]
    current_phase: Option<CurrentPhase>,
    #[serde(default)]
    pub phases: Vec<Phase>,
}

/// Unix seconds.
#[derive(Clone, Debug, Deserialize)]
struct CurrentPhase {
    start_date: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Phase {
    /// Unix seconds.
    pub start_date: i64,
    pub end_date: i64,
    #[serde(default)]
    pub items: Vec<PhaseItem>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PhaseItem {
    pub price: Ref<PriceId>,
    /// None for metered prices.
    #[serde(default)]
    pub quantity: Option<i64>,
}

impl Schedule {
    /// The phase that follows the running one, if any is to come.
    pub fn next_phase(&self) -> Option<&Phase> {
        let running = self.current_phase.as_ref().filter(|_| self.status == "active")?;
        self.phases.iter().find(|phase| phase.start_date > running.start_date)
    }
}
