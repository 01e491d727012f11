//! Putting what was counted in billable hours into meter events: differences, or where a period stands.

use std::collections::HashMap;

use tollhouse_domain::{
    id::{MeterEventId, TenantId},
    plan::Meter,
    time::Timestamp,
    usage::{MeterEventState, Quantity, Window, told_at},
};
use tollhouse_stripe::CustomerId;

use crate::{
    app::App,
    catalog::queries as catalog,
    db::Tx,
    error::Result,
    export::queries::{self, MeterEvent},
    subscriptions::queries::{self as subscriptions, BillingPeriod},
    tenants::queries as tenants,
    usage::{
        billable::queries::{self as billable, Billable},
        queries as usage,
    },
};

/// What the hours have to be looked at with.
struct Known {
    meters: HashMap<String, Meter>,
    customers: HashMap<TenantId, CustomerId>,
    periods: HashMap<TenantId, BillingPeriod>,
}

/// Cuts up to `limit` hours that are due; answers how many it took. Late reports make an hour due again: what
/// they add is a meter event of its own.
pub async fn cut(app: &App, limit: i64) -> Result<usize> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let hours = billable::take_due(&mut tx, now, limit).await?;
    if hours.is_empty() {
        return Ok(0);
    }
    let known = look_up(&mut tx, &hours).await?;
    for hour in &hours {
        let Some(customer) = known.customers.get(&hour.tenant_id) else {
            billable::let_wait(&mut tx, hour).await?;
            continue;
        };
        if let Some((quantity, moment)) = tell(&mut tx, &known, hour, now).await? {
            let row = meter_event(app, hour, customer, (quantity, moment));
            queries::insert(&mut tx, &row).await?;
        }
        billable::mark_exported(&mut tx, hour).await?;
    }
    tx.commit().await?;
    Ok(hours.len())
}

async fn look_up(tx: &mut Tx, hours: &[Billable]) -> Result<Known> {
    let mut ids: Vec<TenantId> = hours.iter().map(|hour| hour.tenant_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut meters = HashMap::new();
    for row in catalog::meters(tx).await? {
        meters.insert(row.code, row.definition.to()?);
    }
    let customers = tenants::list_customers(tx, &ids).await?.into_iter().collect();
    let periods = subscriptions::list_billing_periods(tx, &ids).await?;
    let periods = periods.into_iter().map(|period| (period.tenant_id, period)).collect();
    Ok(Known { meters, customers, periods })
}

/// How much Stripe is told of an hour, and in which moment's name; nothing where there is nothing new.
async fn tell(
    tx: &mut Tx,
    known: &Known,
    hour: &Billable,
    now: Timestamp,
) -> Result<Option<(Quantity, Timestamp)>> {
    let adds_up = |meter: &Meter| meter.aggregation.is_added_up();
    if known.meters.get(&hour.meter).is_none_or(adds_up) {
        let more = hour.quantity().minus(hour.exported());
        let moment = known.periods.get(&hour.tenant_id).map_or(hour.starts_at, |period| {
            told_at(hour.starts_at, period.started_at, period.period(), now)
        });
        return Ok((more != Quantity::ZERO).then_some((more, moment)));
    }
    let (tenant, period) = (hour.tenant_id, hour.period_start);
    let totals = usage::window(tx, tenant, Window::Period, period).await?;
    let total = totals.iter().find(|total| total.meter == hour.meter);
    // Of two at one moment Stripe promises no order.
    let newest = queries::newest_told_at(tx, tenant, &hour.meter).await?;
    let after = newest.filter(|newest| *newest >= period).map(|newest| newest.plus_seconds(1));
    let moment = hour.starts_at.max(after.unwrap_or(hour.starts_at));
    Ok(total.map(|total| (total.quantity(), moment)))
}

fn meter_event(
    app: &App,
    hour: &Billable,
    customer: &CustomerId,
    (quantity, told_at): (Quantity, Timestamp),
) -> MeterEvent {
    let id = MeterEventId::from_uuid(app.clock.new_id());
    let (whole, trillionths) = quantity.parts().unwrap_or((i64::MAX, 0));
    let now = app.clock.now();
    MeterEvent {
        id,
        identifier: id.to_string(),
        tenant_id: hour.tenant_id,
        meter: hour.meter.clone(),
        starts_at: hour.starts_at,
        stripe_customer_id: customer.clone(),
        told_at,
        whole,
        trillionths,
        state: MeterEventState::Pending,
        attempts: 0,
        due_at: Some(now),
        claimed_until: None,
        asked_at: None,
        sent_at: None,
        compared_at: None,
        reason: None,
        created_at: now,
    }
}
