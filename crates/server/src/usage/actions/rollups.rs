//! What the reports of one commit add to each roll-up, summed up before any of it is written.

use std::collections::{BTreeMap, btree_map::Entry};

use tollhouse_domain::{
    plan::Aggregation,
    usage::{Placement, Quantity, Reading, Total},
};

use crate::{
    db::{DbResult, Tx},
    usage::queries::{self, Cell, Share, UsageEvent},
};

/// By window and meter: how many reports, and what they come to.
#[derive(Default)]
pub(super) struct Rollups(BTreeMap<Cell, (i64, Total)>);

impl Rollups {
    /// Adds a report to every window it counts in.
    pub fn add(
        &mut self,
        event: &UsageEvent,
        aggregation: Aggregation,
        reading: Reading,
        placement: Placement,
    ) {
        let total = Total::of(aggregation, reading, event.occurred_at, event.id);
        for (per, starts_at) in placement.windows() {
            let (tenant_id, meter) = (event.tenant_id, event.meter.clone());
            let cell = Cell { tenant_id, per, starts_at, meter };
            match self.0.entry(cell) {
                Entry::Vacant(place) => drop(place.insert((1, total.clone()))),
                Entry::Occupied(mut share) => {
                    let (events, sum) = share.get_mut();
                    *events += 1;
                    sum.add(total.clone());
                }
            }
        }
    }

    /// Writes everything: one statement for each way of adding up that occurs.
    pub async fn write(self, tx: &mut Tx) -> DbResult<()> {
        let fresh = self.write_values(tx).await?;
        let (mut added, mut raised, mut replaced) = (Vec::new(), Vec::new(), Vec::new());
        for (cell, (events, total)) in self.0 {
            let share = |quantity, latest| Share { cell: cell.clone(), events, quantity, latest };
            match total {
                Total::Added(quantity) => added.push(share(quantity, None)),
                Total::Largest(quantity) => raised.push(share(quantity, None)),
                Total::Latest { at, id, quantity } => {
                    replaced.push(share(quantity, Some((at, id))));
                }
                Total::Different(_) => {
                    let fresh = fresh.get(&cell).copied().unwrap_or(0);
                    added.push(share(Quantity::from_whole(fresh), None));
                }
            }
        }
        queries::add(tx, &added).await?;
        queries::raise(tx, &raised).await?;
        queries::replace(tx, &replaced).await
    }

    /// Of `unique` meters: how many values each window had not seen.
    async fn write_values(&self, tx: &mut Tx) -> DbResult<BTreeMap<Cell, u64>> {
        let mut seen = Vec::new();
        for (cell, (_, total)) in &self.0 {
            if let Total::Different(values) = total {
                seen.extend(values.iter().map(|value| (cell, value.as_str())));
            }
        }
        let mut fresh = BTreeMap::new();
        for cell in queries::insert_values(tx, &seen).await? {
            *fresh.entry(cell).or_default() += 1;
        }
        Ok(fresh)
    }
}
