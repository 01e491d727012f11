//! What usage costs a tenant in credits, and what is left of those it has.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tollhouse_domain::{
    credits::{Lot, spend, used},
    money::{Currency, Money},
    period::Period,
    plan::{Credits, Meter, Plan},
    usage::{Quantity, Window},
};

use super::limits::{billing_period, plans};
use crate::{
    app::App,
    catalog::queries as catalog,
    db::Conn,
    error::{Error, Result},
    subscriptions::queries as subscriptions,
    tenants::queries::Tenant,
    usage::queries::{self, Rollup},
};

/// A tenant's credits in its open billing period.
pub struct Balance {
    /// Of the plan that the tenant is on.
    pub tier: String,
    pub period: Period,
    pub included: Quantity,
    pub used: Quantity,
    pub remaining: Quantity,
    pub overage: Quantity,
    pub overage_cost: Money,
    /// What credits beyond those included cost.
    pub terms: Credits,
}

/// Every meter's quantity in the window of the calendar that now is in; zero where nothing was reported.
pub async fn at_present(
    app: &App,
    conn: &mut Conn,
    tenant: &Tenant,
    per: Window,
) -> Result<BTreeMap<String, Quantity>> {
    let start = per.start(app.clock.now());
    let meters = catalog::meters(conn).await?;
    let mut quantities: BTreeMap<_, _> =
        meters.into_iter().map(|meter| (meter.code, Quantity::ZERO)).collect();
    for rollup in queries::window(conn, tenant.id, per, start).await? {
        quantities.insert(rollup.meter.clone(), rollup.quantity());
    }
    Ok(quantities)
}

/// What the plans include, and what is used of it. A plan without credits includes none and charges nothing
/// for them.
pub async fn balance(app: &App, conn: &mut Conn, tenant: &Tenant) -> Result<Balance> {
    let period = billing_period(conn, tenant, app.clock.now()).await?;
    let plans = plans(conn, tenant).await?;
    let rollups = queries::window(conn, tenant.id, Window::Period, period.start).await?;
    let used = credits_of(conn, &rollups).await?;
    let lots: Vec<Lot> = plans
        .iter()
        .filter_map(|plan| plan.credits.as_ref())
        .map(|credits| Lot {
            amount: Quantity::from_whole(credits.included),
            expires_at: Some(period.end),
        })
        .collect();
    let spending = spend(&lots, used);
    let included = lots.iter().fold(Quantity::ZERO, |sum, lot| sum.plus(lot.amount));
    let terms = match plans.iter().find_map(|plan| plan.credits.clone()) {
        Some(credits) => credits,
        None => no_credits(conn, tenant).await?,
    };
    let overage_cost = terms.overage_cost(spending.overage);
    Ok(Balance {
        tier: plans.first().map_or("free", Plan::tier).to_owned(),
        period,
        included,
        used,
        remaining: included.minus(used).or_zero(),
        overage: spending.overage,
        overage_cost: overage_cost.map_err(|error| Error::Internal(error.into()))?,
        terms,
    })
}

/// The credits that the meters' quantities use, each by its weight.
async fn credits_of(conn: &mut Conn, rollups: &[Rollup]) -> Result<Quantity> {
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

/// In the subscription's currency; in dollars where there is none.
async fn no_credits(conn: &mut Conn, tenant: &Tenant) -> Result<Credits> {
    let currency = match subscriptions::find_live_base(conn, tenant.id).await? {
        Some(base) => base.currency,
        None => Currency::new("usd").map_err(|error| Error::Internal(error.into()))?,
    };
    Ok(Credits { included: 0, price_per_1k: Decimal::ZERO, currency })
}
