//! What is counted of meters, beside every limit that a tenant has of them: one read for all of it.

use tollhouse_domain::{
    entitlement::{Metered, Tally},
    id::TenantId,
    plan::Limit,
    time::Timestamp,
    usage::{Quantity, Window, window_of},
};

use super::Entitled;
use crate::{
    db::{Conn, DbResult},
    entitlements::queries::{self, Wanted, What},
};

/// For each name that is asked for: what is counted of the meter of that name, `None` where it is no meter.
pub async fn counted(
    conn: &mut Conn,
    asked: &[(TenantId, &str, &Entitled)],
    now: Timestamp,
) -> DbResult<Vec<Option<Metered>>> {
    let mut wanted = Vec::new();
    let mut want = |tenant_id: TenantId, meter: &str, what: What| {
        wanted.push(Wanted { tenant_id, meter: meter.to_owned(), what });
        wanted.len() - 1
    };
    let places: Vec<Places> = asked
        .iter()
        .map(|(tenant, name, entitled)| Places {
            aggregation: want(*tenant, name, What::Aggregation),
            held: want(*tenant, name, What::Held),
            tallies: spans(name, entitled, now)
                .map(|(limit, what, resets_at)| (limit, want(*tenant, name, what), resets_at))
                .collect(),
        })
        .collect();
    let mut quantities = vec![Quantity::ZERO; wanted.len()];
    let mut aggregations = vec![None; wanted.len()];
    for found in queries::read(conn, &wanted, now).await? {
        let number = usize::try_from(found.number).unwrap_or(usize::MAX);
        if let Some(quantity) = quantities.get_mut(number) {
            *quantity = found.quantity();
            aggregations[number] = found.aggregation;
        }
    }
    let metered = |places: Places| {
        let held = quantities[places.held];
        let tally = |(limit, place, resets_at): (_, usize, _)| Tally {
            limit,
            used: quantities[place],
            held,
            resets_at,
        };
        let aggregation = aggregations[places.aggregation]?;
        Some(Metered { aggregation, tallies: places.tallies.into_iter().map(tally).collect() })
    };
    Ok(places.into_iter().map(metered).collect())
}

/// Where in the list of what is wanted the parts of one answer stand.
struct Places {
    aggregation: usize,
    held: usize,
    tallies: Vec<(Option<Limit>, usize, Option<Timestamp>)>,
}

/// What counts against each limit of the meter, and until when; of a meter without limits, the billing
/// period.
fn spans<'a>(
    meter: &'a str,
    entitled: &'a Entitled,
    now: Timestamp,
) -> impl Iterator<Item = (Option<Limit>, What, Option<Timestamp>)> + 'a {
    let period = entitled.period;
    let limits = entitled.allowance.limits.iter().filter(move |limit| limit.meter == meter);
    let is_free = limits.clone().next().is_none();
    let limited = limits.map(move |limit| {
        let (what, resets_at) = match window_of(limit.per, period, now) {
            Some((window, span)) => (What::Used(window, span.start), Some(span.end)),
            None => (What::Gauge, None),
        };
        (Some(limit.clone()), what, resets_at)
    });
    let unlimited = (None, What::Used(Window::Period, period.start), Some(period.end));
    limited.chain(is_free.then_some(unlimited))
}
