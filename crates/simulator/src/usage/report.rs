//! Reporting usage: what is wrong with a report's form is refused, what is wrong with what it says is told
//! by an event.

use serde_json::{Value, json};

use super::{
    Meter, Receipt, Report,
    problems::{self, Problem},
};
use crate::{
    catalog::amount::Decimal,
    error::{Error, Result},
    params::{Metadata, Params},
    world::{Request, World},
};

const DAY: i64 = 86_400;
/// How far back usage can be reported, and how far ahead.
const OLDEST_SECONDS: i64 = 35 * DAY;
const NEWEST_SECONDS: i64 = 5 * 60;
const IDENTIFIER_CHARS_MAX: usize = 100;

/// A report whose form is right.
pub struct Draft {
    pub event_name: String,
    pub identifier: String,
    /// Unix seconds.
    pub moment: i64,
    pub payload: Metadata,
}

/// `POST /v1/billing/meter_events`.
pub fn report(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let moment = params.integer("timestamp")?;
    let draft = read(world, &params, moment)?;
    check_moment(world, &draft, &params)?;
    check_identifier(world, &draft.identifier, &params)?;
    let shown = json!({
        "object": "billing.meter_event",
        "created": world.now,
        "event_name": draft.event_name,
        "identifier": draft.identifier,
        "livemode": false,
        "payload": draft.payload,
        "timestamp": draft.moment,
    });
    take(world, draft);
    Ok(shown)
}

/// Reads all but the timestamp, which the versions of the API write differently.
pub fn read(world: &mut World, params: &Params<'_>, moment: Option<i64>) -> Result<Draft> {
    let payload = params.object("payload")?;
    let payload = payload.ok_or_else(|| Error::parameter_missing(&params.name("payload")))?;
    let mut pairs = Metadata::new();
    for key in payload.fields() {
        pairs.insert(key.to_owned(), payload.text(key)?.unwrap_or_default().to_owned());
    }
    let identifier = match params.text("identifier")? {
        Some(given) if given.chars().count() > IDENTIFIER_CHARS_MAX => {
            let message = format!("At most {IDENTIFIER_CHARS_MAX} characters.");
            return Err(params.wrong("identifier", &message));
        }
        Some(given) => given.to_owned(),
        None => world.ids.id("mtr_event_"),
    };
    let event_name = params.required_text("event_name")?.to_owned();
    let customer = customer_named(world, &event_name, &pairs);
    let moment = moment.unwrap_or_else(|| time_of(world, customer.as_deref()));
    Ok(Draft { event_name, identifier, moment, payload: pairs })
}

fn customer_named(world: &World, event_name: &str, payload: &Metadata) -> Option<String> {
    payload.get(&meter(world, event_name)?.customer_key).cloned()
}

/// The time a customer lives in.
fn time_of(world: &mut World, customer: Option<&str>) -> i64 {
    world.at_time_of(customer, |world| world.now)
}

pub fn check_identifier(world: &World, identifier: &str, params: &Params<'_>) -> Result<()> {
    if !world.usage.knows(identifier, world.now) {
        return Ok(());
    }
    let message = format!("An event already exists with identifier {identifier}.");
    Err(params.wrong("identifier", &message).code("resource_already_exists"))
}

pub fn check_moment(world: &mut World, draft: &Draft, params: &Params<'_>) -> Result<()> {
    match moment_problem(world, draft) {
        None => Ok(()),
        Some(problem) => Err(params.wrong("timestamp", problem.sentence()).code(problem.code())),
    }
}

fn moment_problem(world: &mut World, draft: &Draft) -> Option<Problem> {
    let customer = customer_named(world, &draft.event_name, &draft.payload);
    let now = time_of(world, customer.as_deref());
    if draft.moment < now - OLDEST_SECONDS {
        return Some(Problem::TooFarInPast);
    }
    (draft.moment > now + NEWEST_SECONDS).then_some(Problem::InFuture)
}

/// Counts a report, or tells what is wrong with it.
pub fn take(world: &mut World, draft: Draft) {
    // Streams are not checked before they are taken.
    if world.usage.knows(&draft.identifier, world.now) {
        return;
    }
    let late = moment_problem(world, &draft);
    let counted = match late {
        Some(problem) => Err(problem),
        None => count(world, &draft),
    };
    let counts_for = match counted {
        Ok((key, value)) => {
            let report =
                Report { identifier: draft.identifier.clone(), moment: draft.moment, value };
            world.usage.reports.entry(key.clone()).or_default().push(report);
            Some(key)
        }
        Err(problem) => {
            let meter = meter(world, &draft.event_name).map(|meter| meter.id.clone());
            problems::tell(world, problem, meter.as_deref(), &draft.identifier);
            None
        }
    };
    let receipt = Receipt { at: world.now, event_name: draft.event_name, counts_for };
    world.usage.received.insert(draft.identifier, receipt);
}

/// The meter and the customer that a report counts for, and how much.
fn count(
    world: &World,
    draft: &Draft,
) -> std::result::Result<((String, String), Decimal), Problem> {
    let meter = meter(world, &draft.event_name).ok_or(Problem::NoMeter)?;
    if !meter.is_active {
        return Err(Problem::ArchivedMeter);
    }
    let customer = draft.payload.get(&meter.customer_key).ok_or(Problem::NoCustomerDefined)?;
    let found = world.customers.find(customer).filter(|customer| !customer.deleted);
    found.ok_or(Problem::CustomerNotFound)?;
    let value = match (draft.payload.get(&meter.value_key), meter.formula) {
        (_, "count") => Decimal::from_integer(1),
        (None, _) => return Err(Problem::ValueNotFound),
        (Some(text), _) => read_value(text)?,
    };
    Ok(((meter.id.clone(), customer.clone()), value))
}

fn read_value(text: &str) -> std::result::Result<Decimal, Problem> {
    text.parse().map_err(|()| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && digits.matches('.').count() <= 1
            && digits.bytes().any(|byte| byte.is_ascii_digit());
        if is_number { Problem::TooManyDigits } else { Problem::InvalidValue }
    })
}

/// The active meter of an event's name, or else an archived one.
fn meter<'a>(world: &'a World, event_name: &str) -> Option<&'a Meter> {
    let named = world.meters.rows().iter().filter(|meter| meter.event_name == event_name);
    named.max_by_key(|meter| meter.is_active)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact_decimals_or_refused_by_name() {
        for (text, expected) in [
            ("7", Ok("7")),
            ("-2.50", Ok("-2.5")),
            ("0.000000000001", Ok("0.000000000001")),
            ("0.0000000000001", Err(Problem::TooManyDigits)),
            ("1234567890123456", Err(Problem::TooManyDigits)),
            ("ten", Err(Problem::InvalidValue)),
            ("1e3", Err(Problem::InvalidValue)),
            ("1.2.3", Err(Problem::InvalidValue)),
            ("", Err(Problem::InvalidValue)),
        ] {
            let found = read_value(text).map(|value| value.to_string());
            assert_eq!(found, expected.map(str::to_owned), "{text}");
        }
    }
}
