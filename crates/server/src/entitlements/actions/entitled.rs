//! What tenants are entitled to at this moment, whatever they have used.

use std::collections::BTreeMap;

use tollhouse_domain::{
    access::{Access, access, beside},
    entitlement::{Allowance, Reason, standing},
    id::TenantId,
    period::Period,
    plan::{Plan, PlanKind},
    time::Timestamp,
    usage::open_period,
};

use crate::{
    db::{Conn, Json},
    entitlements::queries::{self, Holding},
    error::Result,
    tenants::Overrides,
};

/// What a tenant is entitled to.
pub struct Entitled {
    /// The access, or why there is none.
    pub access: Result<Access, Reason>,
    /// Nothing, without access.
    pub allowance: Allowance,
    /// The billing period that is open.
    pub period: Period,
}

/// What each of these tenants is entitled to now; who does not exist is left out.
pub async fn entitled(
    conn: &mut Conn,
    tenants: &[TenantId],
    grace_days: u32,
    now: Timestamp,
) -> Result<BTreeMap<TenantId, Entitled>> {
    let holdings = queries::holdings(conn, tenants).await?;
    holdings
        .chunk_by(|one, next| one.tenant_id == next.tenant_id)
        .map(|own| Ok((own[0].tenant_id, of_one(own, grace_days, now)?)))
        .collect()
}

/// Of the rows of one tenant, the base subscription first.
fn of_one(holdings: &[Holding], grace_days: u32, now: Timestamp) -> Result<Entitled> {
    let first = &holdings[0];
    let in_good_standing = first.tenant_status.is_in_good_standing();
    let own = |holding: &Holding| {
        let started = holding.grace_started_at;
        let granted = |status| access(status, started, grace_days, in_good_standing, now);
        holding.status.map(granted)
    };
    let base = holdings.iter().find(|holding| holding.kind == Some(PlanKind::Base));
    // Add-ons without their base grant nothing.
    let subscription = first.kind.map(|_| base.and_then(own).unwrap_or(Access::None));
    let access = standing(in_good_standing, subscription, first.plan.is_some());
    let mut plans: Vec<Plan> = Vec::new();
    for (place, holding) in holdings.iter().enumerate() {
        let granted = access.unwrap_or(Access::None);
        let reaches = match holding.kind {
            Some(PlanKind::Addon) => beside(granted, own(holding).unwrap_or(Access::None)),
            // A second base, should Stripe have two, is not counted.
            Some(PlanKind::Base) if place > 0 => Access::None,
            Some(PlanKind::Base) | None => granted,
        };
        if let Some(plan) = holding.plan.as_ref().filter(|_| reaches != Access::None) {
            plans.push(plan.to()?);
        }
    }
    let overrides: Overrides =
        first.overrides.as_ref().map(Json::to).transpose()?.unwrap_or_default();
    let allowance = if access.is_ok() { overrides.over(&plans) } else { Allowance::default() };
    let period = open_period(base.and_then(Holding::period), now);
    Ok(Entitled { access, allowance, period })
}
