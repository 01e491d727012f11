//! What can be wrong with a report that was taken, and the event that tells it.

use serde_json::json;

use crate::{calendar, thin_events, world::World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    NoMeter,
    ArchivedMeter,
    NoCustomerDefined,
    CustomerNotFound,
    ValueNotFound,
    InvalidValue,
    TooManyDigits,
    TooFarInPast,
    InFuture,
}

impl Problem {
    pub fn code(self) -> &'static str {
        match self {
            Self::NoMeter => "no_meter",
            Self::ArchivedMeter => "archived_meter",
            Self::NoCustomerDefined => "meter_event_no_customer_defined",
            Self::CustomerNotFound => "meter_event_customer_not_found",
            Self::ValueNotFound => "meter_event_value_not_found",
            Self::InvalidValue => "meter_event_invalid_value",
            Self::TooManyDigits => "meter_event_value_too_many_digits",
            Self::TooFarInPast => "timestamp_too_far_in_past",
            Self::InFuture => "timestamp_in_future",
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoMeter => "No meter has this event name.",
            Self::ArchivedMeter => "The meter of this event name is inactive.",
            Self::NoCustomerDefined => "The payload names no customer by the meter's key.",
            Self::CustomerNotFound => "The payload names a customer who does not exist.",
            Self::ValueNotFound => "The payload has no value by the meter's key.",
            Self::InvalidValue => "The value is not a number.",
            Self::TooManyDigits => {
                "The value has more than fifteen digits before the point, or twelve after it."
            }
            Self::TooFarInPast => "The timestamp is more than 35 days in the past.",
            Self::InFuture => "The timestamp is more than 5 minutes in the future.",
        }
    }
}

/// Tells what is wrong with the report `identifier`.
pub fn tell(world: &mut World, problem: Problem, meter: Option<&str>, identifier: &str) {
    let moment = calendar::timestamp(world.account_now());
    let data = json!({
        "developer_message_summary": "There is 1 invalid event",
        "reason": {
            "error_count": 1,
            "error_types": [{
                "code": problem.code(),
                "error_count": 1,
                "sample_errors": [{
                    "error_message": problem.sentence(),
                    "request": { "identifier": identifier },
                }],
            }],
        },
        "validation_end": moment,
        "validation_start": moment,
    });
    let related = meter.map(|id| ("billing.meter", id, format!("/v1/billing/meters/{id}")));
    let kind = match related {
        Some(_) => "v1.billing.meter.error_report_triggered",
        None => "v1.billing.meter.no_meter_found",
    };
    thin_events::emit(world, kind, related, data);
}
