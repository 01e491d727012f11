//! Which tenants use more than they may, and since when; and which are near to it.

use std::{cmp::Reverse, collections::BTreeMap};

use tollhouse_domain::{
    entitlement::{Metered, Tally},
    id::TenantId,
    plan::{Aggregation, Limit, LimitPeriod},
    time::Timestamp,
    usage::{Quantity, Window, window_of},
};

use super::queries::{self, Named};
use crate::{
    app::App,
    db::Conn,
    entitlements::actions::{Entitled, counted, entitled},
    error::Result,
    usage::queries as usage,
};

/// Tenants looked at in one go, and in one request.
const BATCH: i64 = 100;
const BATCHES_MAX: usize = 20;
/// Hours of usage that are read to find out since when: a year.
const HOURS_MAX: i64 = 9_000;
/// How far back a gauge is followed.
const GAUGE_DAYS: i64 = 31;

/// A tenant, and a limit that it exceeds.
pub struct Exceeding {
    pub tenant: Named,
    pub meter: String,
    pub tally: Tally,
    /// To the hour; none where totals by the hour do not tell.
    pub since: Option<Timestamp>,
}

/// Tenants that exceed a limit, in the order of their ids, `limit` tenants at most; and after which tenant to
/// go on, where there may be more.
pub async fn exceeding(
    app: &App,
    mut after: Option<TenantId>,
    limit: usize,
) -> Result<(Vec<Exceeding>, Option<TenantId>)> {
    let mut found: Vec<Exceeding> = Vec::new();
    let mut tenants = 0;
    let mut conn = app.db.read().await?;
    for _ in 0..BATCHES_MAX {
        let batch = queries::active_tenants(&mut conn, after, BATCH).await?;
        if batch.is_empty() {
            return Ok((found, None));
        }
        for (tenant, of_tenant) in look_at(app, &mut conn, batch).await? {
            after = Some(tenant);
            tenants += usize::from(!of_tenant.is_empty());
            found.extend(of_tenant);
            if tenants == limit {
                return Ok((found, after));
            }
        }
    }
    Ok((found, after))
}

async fn look_at(
    app: &App,
    conn: &mut Conn,
    tenants: Vec<Named>,
) -> Result<Vec<(TenantId, Vec<Exceeding>)>> {
    let now = app.clock.now();
    let ids: Vec<TenantId> = tenants.iter().map(|tenant| tenant.id).collect();
    let grace_days = app.config.billing.grace_period_days;
    let entitled = entitled(conn, &ids, grace_days, now).await?;
    let mut found: Vec<(TenantId, Vec<Exceeding>)> =
        ids.iter().map(|id| (*id, Vec::new())).collect();
    for (id, meter, metered) in all_metered(conn, &entitled, now).await? {
        let Some(entitled) = entitled.get(&id) else { continue };
        for tally in metered.tallies.into_iter().filter(is_exceeded) {
            let span = (entitled, metered.aggregation);
            let since = since(conn, id, meter, span, &tally, now).await?;
            if let Some(place) = tenants.iter().position(|tenant| tenant.id == id) {
                let tenant = tenants[place].clone();
                found[place].1.push(Exceeding { tenant, meter: meter.to_owned(), tally, since });
            }
        }
    }
    Ok(found)
}

/// What is counted of every meter that these tenants' plans limit, in the order of tenants and meters.
async fn all_metered<'e>(
    conn: &mut Conn,
    entitled: &'e BTreeMap<TenantId, Entitled>,
    now: Timestamp,
) -> Result<Vec<(TenantId, &'e str, Metered)>> {
    let mut asked: Vec<(TenantId, &str, &Entitled)> = Vec::new();
    for (id, entitled) in entitled {
        let meters = entitled.allowance.limits.iter().map(|limit| limit.meter.as_str());
        asked.extend(meters.map(|meter| (*id, meter, entitled)));
    }
    asked.sort_unstable_by_key(|(id, meter, _)| (*id, *meter));
    asked.dedup_by_key(|(id, meter, _)| (*id, *meter));
    let metered = counted(conn, &asked, now).await?;
    let known = asked.into_iter().zip(metered);
    Ok(known.filter_map(|((id, meter, _), metered)| Some((id, meter, metered?))).collect())
}

/// A tenant beside one of its limits.
pub struct Near {
    pub tenant: Named,
    pub meter: String,
    pub used: Quantity,
    pub limit: Limit,
}

impl Near {
    /// Of whom nothing is left comes first, then who used the largest share.
    fn rank(&self) -> (bool, u16) {
        let max = Quantity::from_whole(self.limit.max);
        (self.used > max, self.used.per_mille_of(max))
    }
}

/// Who has used at least `per_mille` of a limit, the largest shares first and `limit` of them at most; and
/// whether all active tenants were looked at: it is two thousand at most.
pub async fn nearest(app: &App, per_mille: u16, limit: usize) -> Result<(Vec<Near>, bool)> {
    let now = app.clock.now();
    let grace_days = app.config.billing.grace_period_days;
    let mut near: Vec<Near> = Vec::new();
    let mut after = None;
    let mut conn = app.db.read().await?;
    for _ in 0..BATCHES_MAX {
        let batch = queries::active_tenants(&mut conn, after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok((near, true)) };
        after = Some(last.id);
        let names: BTreeMap<TenantId, &Named> =
            batch.iter().map(|named| (named.id, named)).collect();
        let ids: Vec<TenantId> = names.keys().copied().collect();
        let entitled = entitled(&mut conn, &ids, grace_days, now).await?;
        for (id, meter, metered) in all_metered(&mut conn, &entitled, now).await? {
            let Some(tenant) = names.get(&id) else { continue };
            let limited = metered.tallies.into_iter().filter_map(|tally| {
                let limit = tally.limit.filter(|limit| limit.per != LimitPeriod::Minute)?;
                let (tenant, meter) = ((*tenant).clone(), meter.to_owned());
                Some(Near { tenant, meter, used: tally.used, limit })
            });
            near.extend(limited.filter(|near| near.rank() >= (false, per_mille)));
        }
        near.sort_by_key(|near| Reverse(near.rank()));
        near.truncate(limit);
    }
    Ok((near, false))
}

/// A minute is over before anybody reads of it.
fn is_exceeded(tally: &Tally) -> bool {
    let limit = tally.limit.as_ref().filter(|limit| limit.per != LimitPeriod::Minute);
    limit.is_some_and(|limit| tally.used > Quantity::from_whole(limit.max))
}

/// The hour in which the limit was passed, by the totals of the hours.
async fn since(
    conn: &mut Conn,
    tenant: TenantId,
    meter: &str,
    (entitled, aggregation): (&Entitled, Aggregation),
    tally: &Tally,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let Some(limit) = &tally.limit else { return Ok(None) };
    let start = window_of(limit.per, entitled.period, now)
        .map_or_else(|| now.plus_days(-GAUGE_DAYS), |(_, span)| span.start);
    let range = (Window::Hour.start(start), now.plus_seconds(1));
    let hours = usage::series(conn, tenant, Window::Hour, range, Some(meter), HOURS_MAX).await?;
    let max = Quantity::from_whole(limit.max);
    let mut sum = Quantity::ZERO;
    let mut since = None;
    for hour in hours {
        let stands_at = match aggregation {
            Aggregation::Sum | Aggregation::Count => {
                sum = sum.plus(hour.quantity());
                sum
            }
            Aggregation::Max | Aggregation::Last => hour.quantity(),
            Aggregation::Unique => return Ok(None),
        };
        if stands_at > max {
            since = since.or(Some(hour.starts_at));
        } else if aggregation == Aggregation::Last {
            since = None;
        }
    }
    Ok(since)
}
