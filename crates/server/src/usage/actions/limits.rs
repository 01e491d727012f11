//! What a tenant may use, beside what it has used.

use tollhouse_domain::{
    entitlement::Allowance,
    period::Period,
    plan::{Limit, Plan},
    time::Timestamp,
    usage::{Quantity, Window, open_period, window_of},
};

use crate::{
    app::App,
    catalog::actions::find_free_plan,
    db::{Conn, Json},
    error::Result,
    subscriptions::{
        actions::{granting, plan_of},
        queries as subscriptions,
    },
    tenants::{Overrides, queries::Tenant},
    usage::queries,
};

/// One limit, and the usage that counts against it.
pub struct Limited {
    pub limit: Limit,
    pub used: Quantity,
    /// When the count begins anew; never, of a gauge.
    pub resets_at: Option<Timestamp>,
}

/// Every limit that counts now, but for those per minute, with what is used of it.
pub async fn beside_limits(app: &App, conn: &mut Conn, tenant: &Tenant) -> Result<Vec<Limited>> {
    let now = app.clock.now();
    let plans = granting_plans(app, conn, tenant).await?;
    let period = billing_period(conn, tenant, now).await?;
    let mut limited = Vec::new();
    let own: Overrides = tenant.overrides.as_ref().map(Json::to).transpose()?.unwrap_or_default();
    let allowance = if plans.is_empty() { Allowance::default() } else { own.over(&plans) };
    for limit in allowance.limits {
        let Some((per, span)) = window_of(limit.per, period, now) else {
            let gauge = queries::find_gauge(conn, tenant.id, &limit.meter).await?;
            let used = gauge.map(|gauge| gauge.quantity()).unwrap_or_default();
            limited.push(Limited { limit, used, resets_at: None });
            continue;
        };
        if per == Window::Minute {
            continue;
        }
        let rollups = queries::window(conn, tenant.id, per, span.start).await?;
        let rollup = rollups.iter().find(|rollup| rollup.meter == limit.meter);
        let used = rollup.map(queries::Rollup::quantity).unwrap_or_default();
        limited.push(Limited { limit, used, resets_at: Some(span.end) });
    }
    Ok(limited)
}

/// The plans that grant something now, the base first; without a subscription, the free one.
async fn granting_plans(app: &App, conn: &mut Conn, tenant: &Tenant) -> Result<Vec<Plan>> {
    let granting = granting(app, conn, tenant).await?;
    if !granting.is_empty() {
        return Ok(granting.into_iter().map(|granting| granting.plan).collect());
    }
    let is_free = tenant.status.is_in_good_standing()
        && subscriptions::list_live(conn, tenant.id).await?.is_empty();
    Ok(if is_free { find_free_plan(conn).await?.into_iter().collect() } else { Vec::new() })
}

/// The plans that the tenant is on, whatever they grant at this moment, the base first; without a
/// subscription, the free one.
pub async fn plans(conn: &mut Conn, tenant: &Tenant) -> Result<Vec<Plan>> {
    let mut plans = Vec::new();
    for row in subscriptions::list_live(conn, tenant.id).await? {
        plans.push(plan_of(conn, &row).await?);
    }
    if plans.is_empty() {
        plans.extend(find_free_plan(conn).await?);
    }
    Ok(plans)
}

/// The billing period that is open at `now`: of the base subscription, else the calendar month.
pub async fn billing_period(conn: &mut Conn, tenant: &Tenant, now: Timestamp) -> Result<Period> {
    let known = subscriptions::list_billing_periods(conn, &[tenant.id]).await?;
    Ok(open_period(known.last().map(subscriptions::BillingPeriod::period), now))
}
