//! What the reports of one commit add to each billable hour, of the meters that are at Stripe.

use std::collections::BTreeMap;

use tollhouse_domain::{
    plan::Aggregation,
    time::Timestamp,
    usage::{Placement, Quantity, billable_hour},
};

use crate::{
    db::{DbResult, Tx},
    usage::{
        billable::queries::{self, Addition, Hour},
        queries::UsageEvent,
    },
};

/// By hour: how much, and the billing period it counts in.
#[derive(Default)]
pub(super) struct Billables(BTreeMap<Hour, (Quantity, Timestamp)>);

impl Billables {
    pub fn add(&mut self, event: &UsageEvent, aggregation: Aggregation, placement: Placement) {
        let starts_at = billable_hour(event.occurred_at, placement.period);
        let (tenant_id, meter) = (event.tenant_id, event.meter.clone());
        let hour = Hour { tenant_id, meter, starts_at };
        let sum = self.0.entry(hour).or_insert((Quantity::ZERO, placement.period));
        if aggregation.is_added_up() {
            sum.0 = sum.0.plus(event.quantity);
        }
    }

    pub async fn write(self, tx: &mut Tx, due_at: Timestamp) -> DbResult<()> {
        let additions: Vec<Addition> = self
            .0
            .into_iter()
            .map(|(hour, (quantity, period_start))| Addition { hour, quantity, period_start })
            .collect();
        queries::add(tx, &additions, due_at).await
    }
}
