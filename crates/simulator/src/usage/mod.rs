//! Usage: what customers' use is counted by, how it is reported, and what there is to bill.

mod adjust;
pub mod meters;
mod problems;
mod report;
pub mod stream;
mod summaries;

use std::collections::HashMap;

pub use adjust::adjust;
pub use meters::Meter;
pub use report::report;
pub use stream::{STREAM_PATH, check_session};
pub use summaries::summaries;

use crate::{
    catalog::{Price, amount::Decimal},
    world::World,
};

/// An identifier is unique within it, and a report can be cancelled.
const IDENTIFIER_SECONDS: i64 = 24 * 3600;

/// Everything that was reported.
#[derive(Clone, Default)]
pub struct Usage {
    /// By meter and customer, as it arrived.
    reports: HashMap<(String, String), Vec<Report>>,
    /// By identifier.
    received: HashMap<String, Receipt>,
    /// Tokens that open the stream, and until when.
    sessions: HashMap<String, i64>,
}

/// One report that counts.
#[derive(Clone)]
struct Report {
    identifier: String,
    /// When it was used.
    moment: i64,
    value: Decimal,
}

/// That something was reported, whether it counts or not.
#[derive(Clone)]
struct Receipt {
    at: i64,
    event_name: String,
    /// The meter and the customer it counts for.
    counts_for: Option<(String, String)>,
}

impl Usage {
    /// Whether an identifier was used within the last day.
    fn knows(&self, identifier: &str, now: i64) -> bool {
        self.received.get(identifier).is_some_and(|receipt| now - receipt.at < IDENTIFIER_SECONDS)
    }

    fn of(&self, meter: &str, customer: &str, from: i64, to: i64) -> impl Iterator<Item = &Report> {
        let key = (meter.to_owned(), customer.to_owned());
        let reports = self.reports.get(&key).map_or(&[][..], Vec::as_slice);
        reports.iter().filter(move |report| (from..to).contains(&report.moment))
    }

    /// What a customer used from `from` until before `to`, as the meter counts it.
    pub fn total(&self, meter: &Meter, customer: &str, (from, to): (i64, i64)) -> Decimal {
        let mut reports = self.of(&meter.id, customer, from, to);
        match meter.formula {
            "count" => Decimal::from_integer(i64::try_from(reports.count()).unwrap_or(i64::MAX)),
            // Of two at the same moment, the later report.
            "last" => {
                reports.max_by_key(|report| report.moment).map_or(Decimal::default(), |r| r.value)
            }
            _ => reports.by_ref().fold(Decimal::default(), |sum, report| sum.plus(report.value)),
        }
    }
}

/// What a price bills for a period; less than nothing bills as nothing.
pub fn billable(world: &World, price: &Price, customer: &str, period: (i64, i64)) -> Decimal {
    let meter = price.recurring.as_ref().and_then(|recurring| recurring.meter.as_ref());
    let Some(meter) = meter.and_then(|id| world.meters.find(id)) else { return Decimal::default() };
    world.usage.total(meter, customer, period).max(Decimal::default())
}
