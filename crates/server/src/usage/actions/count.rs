//! The one way in: reports become events and roll-ups, in one transaction of a few statements.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};
use tollhouse_domain::{
    id::{TenantId, UsageEventId},
    period::Period,
    plan::{Aggregation, Meter},
    usage::{Placement, Quantity, Reading, calendar_month, place},
};

use super::{Outcome, Refused, Report, billables::Billables, rollups::Rollups};
use crate::{
    catalog::queries as catalog,
    clock::Clock,
    db::{DbError, DbResult, Json, Tx},
    record::{Done, Often, Origin, Subject, record_often},
    subscriptions::queries as subscriptions,
    tenants::queries as tenants,
    usage::{
        forward::queries as forward,
        intake::{Onward, Submission},
        queries::{self, UsageEvent},
    },
};

/// What the reports have to be looked at with.
struct Known {
    meters: HashMap<String, KnownMeter>,
    tenants: HashSet<TenantId>,
    periods: HashMap<TenantId, Period>,
}

struct KnownMeter {
    meter: Meter,
    is_at_stripe: bool,
}

/// A report that will be counted, unless its key is known.
struct Ready {
    /// The submission, and the place in it.
    place: (usize, usize),
    event: UsageEvent,
    aggregation: Aggregation,
    reading: Reading,
    placement: Placement,
    is_at_stripe: bool,
}

/// Counts the reports of every submission; says what became of each, in their order.
///
/// Rows are written in the order of their keys: transactions on several instances wait for each other in
/// turn, and never in a circle.
pub async fn count(
    tx: &mut Tx,
    clock: &Clock,
    submissions: &[Submission],
    onward: Onward,
) -> DbResult<Vec<Vec<Outcome>>> {
    let known = look_up(tx, submissions).await?;
    let mut outcomes: Vec<Vec<Option<Outcome>>> =
        submissions.iter().map(|submission| vec![None; submission.reports.len()]).collect();
    let mut ready = Vec::new();
    for (number, submission) in submissions.iter().enumerate() {
        for (index, report) in submission.reports.iter().enumerate() {
            match prepare(&known, report, (number, index)) {
                Ok(report) => ready.push(report),
                Err(refused) => outcomes[number][index] = Some(Outcome::Refused(refused)),
            }
        }
    }
    ready.sort_by(|a, b| key_of(&a.event).cmp(&key_of(&b.event)));
    let events: Vec<&UsageEvent> = ready.iter().map(|ready| &ready.event).collect();
    let inserted_in_order = queries::insert(tx, &events).await?;
    let inserted: HashSet<UsageEventId> = inserted_in_order.iter().copied().collect();
    let originals = originals(tx, &events, &inserted).await?;

    let (mut rollups, mut billables) = (Rollups::default(), Billables::default());
    for report in ready {
        let (number, index) = report.place;
        let id = report.event.id;
        outcomes[number][index] = if inserted.contains(&id) {
            if report.is_at_stripe {
                billables.add(&report.event, report.aggregation, report.placement);
            }
            rollups.add(&report.event, report.aggregation, report.reading, report.placement);
            Some(Outcome::Counted(id))
        } else {
            let key = (report.event.tenant_id, report.event.idempotency_key);
            originals.get(&key).copied().map(Outcome::Duplicate)
        };
    }
    rollups.write(tx).await?;
    billables.write(tx, clock.now().plus_seconds(onward.export_after_seconds)).await?;
    if onward.is_forwarded && !inserted.is_empty() {
        forward::insert(tx, clock.new_id(), &inserted_in_order, clock.now()).await?;
    }
    audit(tx, clock, submissions, &outcomes).await?;
    outcomes
        .into_iter()
        .map(|of| of.into_iter().collect::<Option<_>>().ok_or(DbError::RowNotFound))
        .collect()
}

async fn look_up(tx: &mut Tx, submissions: &[Submission]) -> DbResult<Known> {
    let mut meters = HashMap::new();
    for row in catalog::meters(tx).await? {
        let meter = row.definition.to().map_err(|error| DbError::Decode(error.into()))?;
        let is_at_stripe = row.stripe_meter_id.is_some();
        meters.insert(row.code, KnownMeter { meter, is_at_stripe });
    }
    let reports = submissions.iter().flat_map(|submission| &submission.reports);
    let named: BTreeSet<TenantId> = reports.map(|report| report.tenant).collect();
    let named: Vec<TenantId> = named.into_iter().collect();
    let tenants = tenants::known(tx, &named).await?.into_iter().collect();
    let periods = subscriptions::list_billing_periods(tx, &named).await?;
    let periods = periods.iter().map(|row| (row.tenant_id, row.period())).collect();
    Ok(Known { meters, tenants, periods })
}

fn prepare(known: &Known, report: &Report, place_in_it: (usize, usize)) -> Result<Ready, Refused> {
    if !known.tenants.contains(&report.tenant) {
        return Err(Refused::UnknownTenant(report.tenant));
    }
    let meter = known.meters.get(&report.meter);
    let known_meter = meter.ok_or_else(|| Refused::UnknownMeter(report.meter.clone()))?;
    let KnownMeter { meter, is_at_stripe } = known_meter;
    let reading = meter.read(report.quantity, &properties(report)).map_err(Refused::Reading)?;
    let (quantity, value) = match &reading {
        Reading::Quantity(quantity) => (*quantity, None),
        Reading::Value(value) => (Quantity::ONE, Some(value.clone())),
    };
    let now = report.received_at;
    let period = known.periods.get(&report.tenant).copied().unwrap_or_else(|| calendar_month(now));
    let placement = place(report.occurred_at, period, now);
    let event = UsageEvent {
        id: report.id,
        tenant_id: report.tenant,
        meter: report.meter.clone(),
        quantity,
        value,
        idempotency_key: report.key.clone(),
        occurred_at: report.occurred_at,
        received_at: now,
        period_start: placement.period,
        properties: report.properties.clone().map(Json::from),
    };
    Ok(Ready {
        place: place_in_it,
        event,
        aggregation: meter.aggregation,
        reading,
        placement,
        is_at_stripe: *is_at_stripe,
    })
}

/// Only what a `unique` meter looks at needs to be read; the door has seen that it is an object.
fn properties(report: &Report) -> BTreeMap<String, Value> {
    let properties = report.properties.as_ref();
    properties.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

fn key_of(event: &UsageEvent) -> (TenantId, &str) {
    (event.tenant_id, &event.idempotency_key)
}

/// The events whose keys others of these bear, too.
async fn originals(
    tx: &mut Tx,
    events: &[&UsageEvent],
    inserted: &HashSet<UsageEventId>,
) -> DbResult<HashMap<(TenantId, String), UsageEventId>> {
    let mut keys: Vec<(TenantId, &str)> = events
        .iter()
        .filter(|event| !inserted.contains(&event.id))
        .map(|event| key_of(event))
        .collect();
    keys.dedup();
    let found = queries::list_by_key(tx, &keys).await?;
    Ok(found.into_iter().map(|row| ((row.tenant_id, row.idempotency_key), row.id)).collect())
}

/// One row for each who counted something, not one for each report.
async fn audit(
    tx: &mut Tx,
    clock: &Clock,
    submissions: &[Submission],
    outcomes: &[Vec<Option<Outcome>>],
) -> DbResult<()> {
    struct Sum<'a> {
        origin: &'a Origin,
        tenant: Option<TenantId>,
        requests: usize,
        events: usize,
        first: UsageEventId,
    }
    let mut sums: BTreeMap<(String, Option<TenantId>), Sum<'_>> = BTreeMap::new();
    for (submission, outcomes) in submissions.iter().zip(outcomes) {
        let counted = |outcome: &Option<Outcome>| match outcome {
            Some(Outcome::Counted(id)) => Some(*id),
            _ => None,
        };
        let Some(first) = outcomes.iter().find_map(counted) else { continue };
        let Submission { origin, reports } = submission;
        let tenant = reports.first().map(|report| report.tenant);
        let tenant = tenant.filter(|one| reports.iter().all(|report| report.tenant == *one));
        let sum = sums.entry((origin.actor.name(), tenant)).or_insert(Sum {
            origin,
            tenant,
            requests: 0,
            events: 0,
            first,
        });
        sum.requests += 1;
        sum.events += outcomes.iter().filter_map(counted).count();
    }
    let subjects: Vec<Subject> =
        sums.values().map(|sum| Subject::new("usage_event", sum.first)).collect();
    let now = clock.now();
    let rows: Vec<_> = sums.values().map(|sum| json!({ "events": sum.events })).collect();
    let often: Vec<_> = sums
        .values()
        .zip(&subjects)
        .zip(&rows)
        .map(|((sum, subject), data)| Often {
            origin: Origin {
                actor: sum.origin.actor.clone(),
                // Of several requests in one commit, the row is of none.
                request_id: sum.origin.request_id.clone().filter(|_| sum.requests == 1),
                address: sum.origin.address.filter(|_| sum.requests == 1),
            },
            tenant: sum.tenant,
            done: Done { action: "usage.record", subject, data, at: now },
        })
        .collect();
    record_often(tx, clock, &often).await
}
