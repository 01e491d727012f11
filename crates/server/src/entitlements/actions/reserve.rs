//! Holding units: all who ask at the same time are decided in one commit, one after the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};
use tollhouse_domain::{
    entitlement::{Decision, Metered, Reason, Tally, decide},
    id::{ReservationId, TenantId},
    plan::Aggregation,
    refusal::Refusal,
    time::Timestamp,
    usage::Quantity,
};

use super::{Entitled, counted, entitled};
use crate::{
    clock::Clock,
    db::Tx,
    entitlements::queries::{self, Hold, Reservation},
    error::{Conflict, Error, Result, invalid, not_found},
    record::{Done, Often, Origin, Subject, record_often},
};

/// What somebody wants to hold.
pub struct Wish {
    pub id: ReservationId,
    pub tenant: TenantId,
    pub meter: String,
    pub quantity: Quantity,
    /// How long it holds, if nothing becomes of it.
    pub seconds: i64,
    pub origin: Origin,
}

/// Decides wishes one after the other, and holds what is granted. Each sees what those before it hold.
///
/// The meters are locked first, in the order of their names, and until the commit: on several instances,
/// too, nobody decides by what somebody else is about to change.
pub async fn reserve(
    tx: &mut Tx,
    clock: &Clock,
    grace_days: u32,
    wishes: &[Wish],
) -> Result<Vec<Result<Reservation>>> {
    let ids: Vec<ReservationId> = wishes.iter().map(|wish| wish.id).collect();
    let known = queries::list(tx, &ids).await?;
    let known: HashMap<_, _> = known.into_iter().map(|row| (row.id, row)).collect();
    let tenants: BTreeSet<TenantId> = wishes.iter().map(|wish| wish.tenant).collect();
    let tenants: Vec<TenantId> = tenants.into_iter().collect();
    let entitled = entitled(tx, &tenants, grace_days, clock.now()).await?;
    let meters: BTreeSet<(TenantId, &str)> = wishes
        .iter()
        .filter(|wish| entitled.contains_key(&wish.tenant))
        .map(|wish| (wish.tenant, wish.meter.as_str()))
        .collect();
    let meters: Vec<_> = meters.into_iter().collect();
    queries::lock(tx, &meters).await?;
    // By now whoever held the lock before has committed.
    let now = clock.now();
    let asked: Vec<(TenantId, &str, &Entitled)> = meters
        .iter()
        .filter_map(|(tenant, meter)| Some((*tenant, *meter, entitled.get(tenant)?)))
        .collect();
    let metered = counted(tx, &asked, now).await?;
    let mut metered: BTreeMap<_, _> = meters.into_iter().zip(metered).collect();

    let (mut outcomes, mut held) = (Vec::with_capacity(wishes.len()), Vec::new());
    for wish in wishes {
        // The same request again.
        if let Some(reservation) = known.get(&wish.id) {
            outcomes.push(Ok(reservation.clone()));
            continue;
        }
        let key = (wish.tenant, wish.meter.as_str());
        let outcome = match (entitled.get(&wish.tenant), metered.get_mut(&key)) {
            (Some(entitled), Some(metered)) => hold(wish, entitled, metered.as_mut(), now),
            _ => Err(not_found("tenant", wish.tenant)),
        };
        held.extend(outcome.as_ref().ok().map(|reservation| (wish, reservation.clone())));
        outcomes.push(outcome);
    }
    let reservations: Vec<Reservation> = held.iter().map(|(_, held)| held.clone()).collect();
    queries::insert(tx, &reservations).await?;
    audit(tx, clock, &held).await?;
    Ok(outcomes)
}

/// Holds what one wish asks for, where it is granted: whoever comes next finds it held.
fn hold(
    wish: &Wish,
    entitled: &Entitled,
    metered: Option<&mut Metered>,
    now: Timestamp,
) -> Result<Reservation> {
    if let Err(reason) = entitled.access {
        return Err(refused(wish, reason, None, now));
    }
    let Some(metered) = metered else {
        let cut: String = wish.meter.chars().take(40).collect();
        return Err(not_found("meter", cut));
    };
    refuse_other_aggregation(wish, metered.aggregation)?;
    let value = entitled.allowance.features.get(&wish.meter);
    let Decision { allowed, reason, tally } = decide(value, Some(metered), wish.quantity);
    if !allowed {
        return Err(refused(wish, reason, tally.as_ref(), now));
    }
    for tally in &mut metered.tallies {
        tally.held = tally.held.plus(wish.quantity);
    }
    Ok(Reservation::of(Hold {
        id: wish.id,
        tenant_id: wish.tenant,
        meter: wish.meter.clone(),
        quantity: wish.quantity,
        created_by: wish.origin.actor.name(),
        created_at: now,
        expires_at: now.plus_seconds(wish.seconds),
    }))
}

/// Only what adds up can be held beside what is used.
fn refuse_other_aggregation(wish: &Wish, aggregation: Aggregation) -> Result<()> {
    match aggregation {
        Aggregation::Sum => Ok(()),
        Aggregation::Count if wish.quantity == Quantity::ONE => Ok(()),
        Aggregation::Count => Err(invalid(
            "quantity",
            "must be left out or be 1: the meter counts reports, so reserve for each of them",
        )),
        Aggregation::Max | Aggregation::Last | Aggregation::Unique => Err(invalid(
            "feature",
            "must be a meter of kind `sum` or `count`: others do not add up, so ask with `check`",
        )),
    }
}

fn refused(wish: &Wish, reason: Reason, tally: Option<&Tally>, now: Timestamp) -> Error {
    let sentence = || {
        let (limit, per) = tally
            .and_then(|tally| tally.limit.as_ref())
            .map_or((0, ""), |limit| (limit.max, limit.per.as_str()));
        let (used, held) = tally.map(|tally| (tally.used, tally.held)).unwrap_or_default();
        let room = match tally.and_then(|tally| tally.resets_at) {
            Some(moment) => format!("wait until {moment}, or for what is held to come back"),
            None => "use less, or choose a plan or an add-on with more".to_owned(),
        };
        format!(
            "Of `{}` {limit} are allowed ({per}), {used} are used and {held} are held: {} more are not \
             granted; {room}.",
            wish.meter, wish.quantity
        )
    };
    match reason {
        Reason::RateLimited => {
            let end = tally.and_then(|tally| tally.resets_at).unwrap_or(now);
            let seconds = u64::try_from(end.seconds_since(now)).unwrap_or(0);
            Error::RateLimitReached { sentence: sentence(), retry_after_seconds: seconds.max(1) }
        }
        Reason::TenantNotActive => Refusal::TenantNotActive.into(),
        Reason::NoAccess => Refusal::NoAccess.into(),
        Reason::NotSubscribed => Refusal::NotSubscribed.into(),
        Reason::NotInPlan => Refusal::NotInPlan.into(),
        Reason::LimitReached | Reason::Included | Reason::WithinLimit | Reason::OverSoftLimit => {
            Error::Conflict(Conflict::LimitReached, sentence())
        }
    }
}

/// One row for each who reserved something for a tenant, not one for each reservation.
async fn audit(tx: &mut Tx, clock: &Clock, held: &[(&Wish, Reservation)]) -> Result<()> {
    let mut sums: BTreeMap<(String, TenantId), (usize, &Wish)> = BTreeMap::new();
    for (wish, _) in held {
        let sum = sums.entry((wish.origin.actor.name(), wish.tenant)).or_insert((0, wish));
        sum.0 += 1;
    }
    let (subjects, data): (Vec<Subject>, Vec<Value>) = sums
        .values()
        .map(|(count, first)| {
            (Subject::new("reservation", first.id), json!({ "reservations": count }))
        })
        .unzip();
    let often: Vec<_> = sums
        .values()
        .zip(&subjects)
        .zip(&data)
        .map(|(((count, first), subject), data)| Often {
            origin: Origin {
                actor: first.origin.actor.clone(),
                // Of several requests in one commit, the row is of none.
                request_id: first.origin.request_id.clone().filter(|_| *count == 1),
                address: first.origin.address.filter(|_| *count == 1),
            },
            tenant: Some(first.tenant),
            done: Done { action: "reservation.create", subject, data, at: clock.now() },
        })
        .collect();
    Ok(record_often(tx, clock, &often).await?)
}
