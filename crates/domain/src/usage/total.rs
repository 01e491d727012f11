//! What the reports of one meter in one window come to.

use std::collections::BTreeSet;

use super::{Quantity, Reading};
use crate::id::UsageEventId;
use crate::plan::Aggregation;
use crate::time::Timestamp;

/// What some reports of one meter come to; two such totals make one, in whichever order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Total {
    /// Of `sum` and `count`: everything together.
    Added(Quantity),
    /// Of `max`: the largest.
    Largest(Quantity),
    /// Of `last`: the latest. Of two at one moment, the one that was received later, by its id.
    Latest { at: Timestamp, id: UsageEventId, quantity: Quantity },
    /// Of `unique`: every value that was seen.
    Different(BTreeSet<String>),
}

impl Total {
    /// What a single report comes to.
    pub fn of(aggregation: Aggregation, reading: Reading, at: Timestamp, id: UsageEventId) -> Self {
        match (aggregation, reading) {
            (_, Reading::Value(value)) => Self::Different([value].into()),
            (Aggregation::Max, Reading::Quantity(quantity)) => Self::Largest(quantity),
            (Aggregation::Last, Reading::Quantity(quantity)) => Self::Latest { at, id, quantity },
            (_, Reading::Quantity(quantity)) => Self::Added(quantity),
        }
    }

    /// Takes another one in. Totals of different meters are never added; the first one stays.
    pub fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Added(sum), Self::Added(more)) => *sum = sum.plus(more),
            (Self::Largest(largest), Self::Largest(other)) => *largest = (*largest).max(other),
            (Self::Different(values), Self::Different(mut more)) => values.append(&mut more),
            (latest @ Self::Latest { .. }, other @ Self::Latest { .. })
                if other.rank() > latest.rank() =>
            {
                *latest = other;
            }
            _ => {}
        }
    }

    /// Which of two latest is the later one.
    fn rank(&self) -> Option<(Timestamp, UsageEventId)> {
        match self {
            Self::Latest { at, id, .. } => Some((*at, *id)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::v7;
    use crate::usage::quantity::tests::quantity;
    use proptest::prelude::*;

    /// A report as it might come: few keys, so that some come twice, and few moments, so that some tie.
    #[derive(Clone, Debug)]
    struct Report {
        key: u8,
        at: Timestamp,
        reading: u8,
    }

    fn reports() -> impl Strategy<Value = Vec<Report>> {
        let report = |key: u8| {
            (0_i64..4, 0_u8..6).prop_map(move |(second, reading)| Report {
                key,
                at: Timestamp::from_second(second).unwrap(),
                reading,
            })
        };
        (1_u8..30).prop_flat_map(move |count| (0..count).map(report).collect::<Vec<_>>())
    }

    fn total(aggregation: Aggregation, report: &Report) -> Total {
        let reading = match aggregation {
            Aggregation::Unique => Reading::Value(report.reading.to_string()),
            Aggregation::Count => Reading::Quantity(Quantity::ONE),
            _ => Reading::Quantity(Quantity::from_whole(report.reading.into())),
        };
        let id = UsageEventId::from_uuid(v7(1, [report.key; 10]));
        Total::of(aggregation, reading, report.at, id)
    }

    fn both(mut sum: Total, more: Total) -> Total {
        sum.add(more);
        sum
    }

    /// As a table keeps it: of `unique`, how many.
    fn number(total: &Total) -> Quantity {
        match total {
            Total::Added(quantity) | Total::Largest(quantity) | Total::Latest { quantity, .. } => {
                *quantity
            }
            Total::Different(values) => Quantity::from_whole(values.len() as u64),
        }
    }

    /// As the tables do it: in portions, each portion summed up first, a key counted once.
    fn come_to(aggregation: Aggregation, arrived: &[Report], portion: usize) -> Option<Total> {
        let mut known = BTreeSet::new();
        let mut sum: Option<Total> = None;
        for portion in arrived.chunks(portion) {
            let fresh = portion.iter().filter(|report| known.insert(report.key));
            let portion = fresh.map(|report| total(aggregation, report)).reduce(both);
            sum = match (sum, portion) {
                (Some(sum), Some(portion)) => Some(both(sum, portion)),
                (sum, portion) => sum.or(portion),
            };
        }
        sum
    }

    #[test]
    fn each_aggregation_by_hand() {
        let reports: Vec<Report> = [(5, 3), (9, 1), (9, 4), (2, 4)]
            .into_iter()
            .zip(0..)
            .map(|((second, reading), key)| Report {
                key,
                at: Timestamp::from_second(second).unwrap(),
                reading,
            })
            .collect();
        for (aggregation, expected) in [
            (Aggregation::Sum, "12"),
            (Aggregation::Count, "4"),
            (Aggregation::Max, "4"),
            // Two at the ninth second: the one received later.
            (Aggregation::Last, "4"),
            (Aggregation::Unique, "3"),
        ] {
            let total = come_to(aggregation, &reports, 2).unwrap();
            assert_eq!(number(&total), quantity(expected), "{aggregation}");
        }
    }

    proptest! {
        /// Any interleaving and repetition of the same reports, in portions of any size.
        #[test]
        fn the_order_and_repetition_of_reports_change_nothing(
            aggregation in prop::sample::select(Aggregation::ALL),
            (reports, arrived) in reports().prop_flat_map(|reports| {
                let twice = [reports.clone(), reports.clone()].concat();
                (Just(reports), Just(twice).prop_shuffle())
            }),
            portion in 1_usize..9,
        ) {
            let expected = come_to(aggregation, &reports, 1);
            prop_assert_eq!(come_to(aggregation, &arrived, portion), expected);
        }
    }
}
