//! Creating a tenant with its customer and its plan.

use tollhouse_domain::{
    event::EventType,
    id::TenantId,
    plan::{Plan, PlanKind},
};

use super::begin::Beginning;
use crate::{
    app::App,
    catalog::actions::get_current_plan,
    db::Json,
    error::{Conflict, Error, Result, not_found},
    record::{Happened, Origin, Subject, record},
    subscriptions::{
        offer::{Wanted, find_offer},
        queries as subscriptions,
    },
    tenants::{
        Opening, actions as tenants,
        queries::{self, Tenant},
    },
};

/// Whether the plan can be begun at all, as the catalog is now.
///
/// # Errors
/// `UnknownPlan`, `PlanNotSold`, `IsAddon`; `Invalid` without an interval; `NotConfigured` where it has a
/// price and there are no Stripe keys.
pub async fn check_opening(app: &App, opening: &Opening) -> Result<()> {
    let mut conn = app.db.read().await?;
    let plan: Plan = get_current_plan(&mut conn, &opening.plan).await?.definition.to()?;
    if plan.is_free() {
        return Ok(());
    }
    if app.config.stripe.secret_key.is_none() {
        return Err(Error::NotConfigured);
    }
    let Beginning { plan, interval, currency, .. } = Beginning::of(opening.clone());
    let wanted = Wanted::Plan { code: plan, interval, currency };
    find_offer(&mut conn, &wanted, Some(PlanKind::Base), None, 1).await?;
    Ok(())
}

/// Writes a new tenant down, with the note that Stripe is to have its customer and its plan; `settle`, or
/// the task, brings both about. Repeating it with the same id and the same data gives the same tenant.
///
/// # Errors
/// `Conflict` where the id belongs to a tenant with other data.
pub async fn create(app: &App, origin: &Origin, new: Tenant) -> Result<Tenant> {
    // Without Stripe keys the customer is made when it is first needed.
    let settle_at = app.config.stripe.secret_key.as_ref().map(|_| new.created_at);
    tenants::create(app, origin, Tenant { settle_at, ..new }).await
}

/// Has a plan begun for a tenant that exists and has none: written down now, brought about by the task.
///
/// # Errors
/// `NotFound`, `TenantNotActive`; `Conflict` where it has a subscription, or one is on its way.
pub async fn order(app: &App, origin: &Origin, tenant: TenantId, opening: &Opening) -> Result<()> {
    tenants::get_active(app, tenant).await?;
    let mut tx = app.db.begin().await?;
    let found = queries::find_locked(&mut tx, tenant).await?;
    let mut row = found.ok_or_else(|| not_found("tenant", tenant))?;
    let on_its_way = row.opening.is_some() && !row.opened;
    if on_its_way || subscriptions::find_live_base(&mut tx, tenant).await?.is_some() {
        let sentence =
            "The tenant has a subscription, or one is on its way: change its plan instead.";
        return Err(Error::Conflict(Conflict::SubscriptionState, sentence.to_owned()));
    }
    (row.opening, row.opened) = (Some(Json::of(opening)?), false);
    queries::update(&mut tx, &row).await?;
    tenants::ask_to_settle(&mut tx, app, tenant).await?;
    let happened = Happened {
        tenant,
        event: EventType::TenantPlanChanged,
        audit: Some("tenant.plan_change"),
        subject: &Subject::new("tenant", tenant),
        summary: format!("The plan {} is to be begun", opening.plan),
        data: &serde_json::json!({
            "from": null,
            "to": opening.plan,
            "interval": opening.interval,
            "when": "now",
        }),
        at: app.clock.now(),
    };
    record(&mut tx, app, origin, happened).await?;
    Ok(tx.commit().await?)
}
