//! What a tenant's subscriptions grant at this moment.

use tollhouse_domain::{
    access::{Access, access, beside},
    plan::{Plan, PlanKind},
};

use crate::{
    app::App,
    catalog::queries as catalog,
    db::Conn,
    error::{Result, not_found},
    subscriptions::queries::{self, Subscription},
    tenants::queries::Tenant,
};

/// A subscription that grants access now.
pub struct Granting {
    pub row: Subscription,
    /// The plan it is locked to.
    pub plan: Plan,
    pub access: Access,
}

/// The tenant's subscriptions that grant access, the base first.
pub async fn granting(app: &App, conn: &mut Conn, tenant: &Tenant) -> Result<Vec<Granting>> {
    let mut granting = Vec::new();
    let live = queries::list_live(conn, tenant.id).await?;
    let base = live.iter().find(|row| row.kind == PlanKind::Base).cloned();
    for row in live {
        let access = access_of(app, tenant, &row, base.as_ref());
        if access != Access::None {
            let plan = plan_of(conn, &row).await?;
            granting.push(Granting { row, plan, access });
        }
    }
    Ok(granting)
}

/// The access that a subscription grants now; an add-on no more than its base.
pub fn access_of(
    app: &App,
    tenant: &Tenant,
    row: &Subscription,
    base: Option<&Subscription>,
) -> Access {
    let grace_days = app.config.billing.grace_period_days;
    let in_good_standing = tenant.status.is_in_good_standing();
    let own = |row: &Subscription| {
        access(row.status, row.grace_started_at, grace_days, in_good_standing, app.clock.now())
    };
    match (row.kind, base) {
        (PlanKind::Base, _) => own(row),
        (PlanKind::Addon, Some(base)) => beside(own(base), own(row)),
        (PlanKind::Addon, None) => Access::None,
    }
}

/// The plan a subscription is locked to.
pub async fn plan_of(conn: &mut Conn, row: &Subscription) -> Result<Plan> {
    let plan = catalog::find_plan(conn, &row.plan_code, row.plan_version).await?;
    let plan = plan.ok_or_else(|| not_found("plan", &row.plan_code))?;
    Ok(plan.definition.to()?)
}
