//! How a tenant's credits stand at this moment, before they are written down.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tollhouse_domain::{
    credits::{Included, used},
    money::Currency,
    period::Period,
    plan::{Credits, Meter, Plan},
    time::Timestamp,
    usage::{Quantity, Window},
};

use crate::{
    catalog::queries as catalog,
    credits::queries::{ReadingRow, Terms},
    db::{Conn, Json},
    error::{Error, Result},
    subscriptions::queries as subscriptions,
    tenants::queries::Tenant,
    usage::{
        actions::{billing_period, plans},
        queries as usage,
    },
};

/// What a reading at this moment would say.
pub struct Present {
    /// Of the plan that the tenant is on.
    pub tier: String,
    pub period: Period,
    pub terms: Terms,
    pub used: Quantity,
}

/// Reads what is used of the open billing period, and what the plans say now.
pub async fn present(conn: &mut Conn, tenant: &Tenant, now: Timestamp) -> Result<Present> {
    let period = billing_period(conn, tenant, now).await?;
    let plans = plans(conn, tenant).await?;
    let mut included = Included::new();
    for credits in plans.iter().filter_map(|plan| plan.credits.as_ref()) {
        let sum = included.entry(credits.roll_over_days).or_default();
        *sum = sum.saturating_add(credits.included);
    }
    let beyond = match plans.iter().find_map(|plan| plan.credits.clone()) {
        Some(credits) => credits,
        None => no_credits(conn, tenant).await?,
    };
    Ok(Present {
        tier: plans.first().map_or("free", Plan::tier).to_owned(),
        period,
        terms: Terms { included, beyond },
        used: used_of(conn, tenant, period.start).await?,
    })
}

/// The credits that are used of the billing period that began then.
pub async fn used_of(conn: &mut Conn, tenant: &Tenant, period: Timestamp) -> Result<Quantity> {
    let rollups = usage::window(conn, tenant.id, Window::Period, period).await?;
    let mut weights: BTreeMap<String, Decimal> = BTreeMap::new();
    for row in catalog::meters(conn).await? {
        weights.insert(row.code, row.definition.to::<Meter>()?.credit_weight);
    }
    let weighed = rollups.iter().map(|rollup| {
        (rollup.quantity(), weights.get(&rollup.meter).copied().unwrap_or(Decimal::ONE))
    });
    let too_large = || anyhow::anyhow!("the usage is more than can be counted in credits");
    Ok(used(weighed).ok_or_else(too_large)?)
}

/// A plan without credits includes none and charges nothing for them: in the subscription's currency; in
/// dollars where there is none.
async fn no_credits(conn: &mut Conn, tenant: &Tenant) -> Result<Credits> {
    let currency = match subscriptions::find_live_base(conn, tenant.id).await? {
        Some(base) => base.currency,
        None => Currency::new("usd").map_err(|error| Error::Internal(error.into()))?,
    };
    Ok(Credits { included: 0, roll_over_days: 0, price_per_1k: Decimal::ZERO, currency })
}

/// The readings that bring what is written up to now: a last one of the period before, where that is
/// another, and one of the open period.
pub async fn readings_since(
    conn: &mut Conn,
    tenant: &Tenant,
    written: Option<&ReadingRow>,
    present: &Present,
    now: Timestamp,
) -> Result<Vec<ReadingRow>> {
    let mut readings = Vec::with_capacity(2);
    let mut number = written.map_or(0, |last| last.number);
    if let Some(last) = written.filter(|last| last.period_start != present.period.start) {
        let (whole, trillionths) = parts(used_of(conn, tenant, last.period_start).await?)?;
        number += 1;
        readings.push(ReadingRow { number, at: now, whole, trillionths, ..last.clone() });
    }
    let (whole, trillionths) = parts(present.used)?;
    readings.push(ReadingRow {
        number: number + 1,
        at: now,
        period_start: present.period.start,
        period_end: present.period.end,
        terms: Json::of(&present.terms)?,
        whole,
        trillionths,
    });
    Ok(readings)
}

/// As a table keeps it.
pub fn parts(quantity: Quantity) -> Result<(i64, i64)> {
    let too_large = || anyhow::anyhow!("{quantity} is more than can be kept");
    Ok(quantity.parts().ok_or_else(too_large)?)
}
