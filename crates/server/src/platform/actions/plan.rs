//! Moving a tenant to another plan, whatever it has now.

use tollhouse_domain::{
    event::EventType,
    id::{CheckoutId, TenantId},
    plan::Plan,
    price::Interval,
};
use uuid::Uuid;

use super::begin::{Beginning, begin};
use crate::{
    app::App,
    catalog::{actions::get_current_plan, queries as catalog},
    error::{Result, invalid},
    record::{Happened, Origin, Subject, record},
    subscriptions::{
        actions::{self as subscriptions, At, Cancel, Change},
        queries::{self, Subscription},
    },
    tenants::actions as tenants,
};

/// When a plan is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Now,
    PeriodEnd,
}

/// The plan a tenant is to have.
#[derive(Clone, Debug)]
pub struct PlanChange {
    pub plan: String,
    pub interval: Option<Interval>,
    /// Where absent: now; but a plan without a price comes when what was paid for is over.
    pub when: Option<When>,
}

/// Moves a tenant to a plan: changes its subscription, begins one where it has none, and ends it for a plan
/// without a price. What the tenant has already is left as it is.
///
/// # Errors
/// `TenantNotActive`, `UnknownPlan`, `PlanNotSold`; `Conflict` where the subscription is in no state for it;
/// or what Stripe says.
pub async fn change_plan(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
    wanted: PlanChange,
) -> Result<()> {
    tenants::get_active(app, tenant).await?;
    let mut conn = app.db.read().await?;
    let plan: Plan = get_current_plan(&mut conn, &wanted.plan).await?.definition.to()?;
    let row = queries::find_live_base(&mut conn, tenant).await?;
    let held = match &row {
        Some(row) => catalog::find_price(&mut conn, &row.price_lookup_key).await?,
        None => None,
    };
    drop(conn);
    let from = row.as_ref().map(|row| row.plan_code.clone());
    let interval = held.map(|price| price.interval);
    match row {
        Some(row) if plan.is_free() => Box::pin(give_up(app, origin, row, work, &wanted)).await?,
        Some(row)
            if row.plan_code == wanted.plan
                && wanted.interval.is_none_or(|of| interval == Some(of)) =>
        {
            return Ok(());
        }
        Some(_) => change(app, origin, tenant, work, &wanted).await?,
        None if plan.is_free() => return Ok(()),
        None => Box::pin(start(app, origin, tenant, work, &wanted)).await?,
    }
    tell(app, origin, tenant, from, &wanted).await
}

async fn give_up(
    app: &App,
    origin: &Origin,
    row: Subscription,
    work: Uuid,
    wanted: &PlanChange,
) -> Result<()> {
    let at = if wanted.when == Some(When::Now) { At::Now } else { At::PeriodEnd };
    let cancel = Cancel { at, reason: None, comment: None };
    subscriptions::cancel_base(app, origin, row, work, cancel).await?;
    Ok(())
}

async fn change(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
    wanted: &PlanChange,
) -> Result<()> {
    let change =
        Change { plan: Some(wanted.plan.clone()), interval: wanted.interval, ..Change::default() };
    match wanted.when {
        Some(When::PeriodEnd) => {
            subscriptions::change_later(app, origin, tenant, work, &change).await?;
        }
        Some(When::Now) | None => {
            subscriptions::change(app, origin, tenant, work, &change, None).await?;
        }
    }
    Ok(())
}

async fn start(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    work: Uuid,
    wanted: &PlanChange,
) -> Result<()> {
    if wanted.when == Some(When::PeriodEnd) {
        return Err(invalid("when", "must be `now`: the tenant has no period that could end"));
    }
    let beginning = Beginning {
        purchase: CheckoutId::from_uuid(work),
        plan: wanted.plan.clone(),
        interval: wanted.interval,
        currency: None,
    };
    begin(app, origin, tenant, &beginning).await?;
    Ok(())
}

async fn tell(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    from: Option<String>,
    wanted: &PlanChange,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let happened = Happened {
        tenant,
        event: EventType::TenantPlanChanged,
        audit: Some("tenant.plan_change"),
        subject: &Subject::new("tenant", tenant),
        summary: format!("An operator chose the plan {}", wanted.plan),
        data: &serde_json::json!({
            "from": from,
            "to": wanted.plan,
            "interval": wanted.interval,
            "when": if wanted.when == Some(When::PeriodEnd) { "period_end" } else { "now" },
        }),
        at: app.clock.now(),
    };
    record(&mut tx, app, origin, happened).await?;
    Ok(tx.commit().await?)
}
