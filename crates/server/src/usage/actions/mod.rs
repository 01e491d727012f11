//! Counting reports, and what stands beside what is counted.

mod billables;
mod count;
mod limits;
mod present;
mod rollups;

use serde_json::value::RawValue;
use tollhouse_domain::{
    id::{TenantId, UsageEventId},
    time::Timestamp,
    usage::{Quantity, ReadingError},
};

pub use count::count;
pub use limits::{Limited, beside_limits, billing_period, plans};
pub use present::at_present;

use crate::error::{Error, invalid, not_found};

/// One report, checked as far as one can without looking anything up.
#[derive(Clone, Debug)]
pub struct Report {
    pub id: UsageEventId,
    pub tenant: TenantId,
    /// The meter's code.
    pub meter: String,
    pub quantity: Option<Quantity>,
    /// A JSON object.
    pub properties: Option<Box<RawValue>>,
    /// The tenant's key for it.
    pub key: String,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
}

/// What became of a report.
#[derive(Clone, Debug)]
pub enum Outcome {
    Counted(UsageEventId),
    /// Its key is known; the id is the first one's.
    Duplicate(UsageEventId),
    Refused(Refused),
}

/// Why a report was not counted.
#[derive(Clone, Debug)]
pub enum Refused {
    UnknownTenant(TenantId),
    UnknownMeter(String),
    Reading(ReadingError),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::UnknownTenant(tenant) => not_found("tenant", tenant),
            Refused::UnknownMeter(meter) => invalid("meter", unknown_meter(&meter)),
            Refused::Reading(error) => invalid(error.field(), error.to_string()),
        }
    }
}

/// For people.
pub fn unknown_meter(code: &str) -> String {
    format!("there is no meter `{code}`: use the code of one under `[[meter]]` in the catalog")
}
