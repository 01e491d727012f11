//! `GET /v1/billing/meters/{id}/event_summaries`: what a customer used, in all or by hour or day.

use serde_json::{Value, json};

use super::Meter;
use crate::{
    error::Result,
    lists,
    params::Params,
    world::{Request, World},
};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

pub fn summaries(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let meter = world.meters.get(&request.id, "id")?;
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let window = params.choice("value_grouping_window", &["day", "hour"])?;
    let (size, boundary) = match window {
        Some("day") => (DAY, "days, in UTC"),
        Some(_) => (HOUR, "hours"),
        None => (MINUTE, "minutes"),
    };
    let from = bound(&params, "start_time", size, boundary)?;
    let to = bound(&params, "end_time", size, boundary)?;
    if to <= from {
        return Err(params.wrong("end_time", "The end must be after the start."));
    }
    let windows = match window {
        Some(_) => used_windows(world, meter, customer, (from, to), size),
        None => vec![(from, to)],
    };
    let summaries: Vec<Value> =
        windows.into_iter().rev().map(|window| show(world, meter, customer, window)).collect();
    lists::list_parts(&summaries, "meter event summary", request)
}

fn bound(params: &Params<'_>, field: &str, size: i64, boundary: &str) -> Result<i64> {
    let moment = params.integer(field)?.ok_or_else(|| params.empty(field))?;
    if moment % size == 0 {
        return Ok(moment);
    }
    Err(params.wrong(field, &format!("This must lie on the boundary of {boundary}.")))
}

/// Those in which anything was reported.
fn used_windows(
    world: &World,
    meter: &Meter,
    customer: &str,
    (from, to): (i64, i64),
    size: i64,
) -> Vec<(i64, i64)> {
    let reports = world.usage.of(&meter.id, customer, from, to);
    let mut starts: Vec<i64> =
        reports.map(|report| report.moment - report.moment.rem_euclid(size)).collect();
    starts.sort_unstable();
    starts.dedup();
    starts.into_iter().map(|start| (start, start + size)).collect()
}

fn show(world: &World, meter: &Meter, customer: &str, (start, end): (i64, i64)) -> Value {
    json!({
        // The same question has the same answer, so that pages can follow each other.
        "id": format!("mtrusg_test_{start}{end}"),
        "object": "billing.meter_event_summary",
        "aggregated_value": world.usage.total(meter, customer, (start, end)).to_json(),
        "end_time": end,
        "livemode": false,
        "meter": meter.id,
        "start_time": start,
    })
}
