//! What an operator can do to a tenant.

use std::sync::Arc;

use axum::{extract::State, response::Redirect};
use maud::{Markup, html};
use tollhouse_domain::{actor::Permission, id::TenantId, plan::PlanKind, tenant::TenantStatus};

use crate::{
    app::App,
    catalog::actions::sold,
    error::{Result, invalid},
    http::{Work, extract::TenantPath},
    pages::{form::Form, frame::csrf, visitor::Visitor},
    platform::actions::{PlanChange, When, change_plan as move_to_plan, stand},
    subscriptions::actions::live_base,
    tenants::{actions as tenants, queries::Tenant},
    webhooks::{actions::replay_many, queries::Filter},
};

const REASON_LENGTH_MAX: usize = 500;

/// Every button that makes sense as the tenant stands.
pub async fn forms(app: &App, visitor: &Visitor, tenant: &Tenant) -> Result<Markup> {
    let path = format!("/pages/tenants/{}", tenant.id);
    let mut conn = app.db.read().await?;
    let plans = sold(&mut conn).await?;
    drop(conn);
    let bases = plans.iter().map(|(plan, _)| plan).filter(|plan| plan.kind == PlanKind::Base);
    let plans: Vec<(&str, &str)> = bases.map(|plan| (&*plan.code, &*plan.name)).collect();
    Ok(html! {
        section.buttons aria-labelledby="buttons" {
            h2 #buttons { "What you can do" }
            div.cards {
                @match tenant.status {
                    TenantStatus::Active => {
                        (plan_form(visitor, &path, &plans))
                        (suspend_form(visitor, &path))
                        (replay_form(visitor, &path))
                    }
                    TenantStatus::Suspended => (reactivate_form(visitor, &path)),
                    TenantStatus::Terminated => p { "Nothing: it is terminated, for good." },
                }
            }
        }
    })
}

fn plan_form(visitor: &Visitor, path: &str, plans: &[(&str, &str)]) -> Markup {
    html! {
        form.card #change-plan method="post" action={ (path) "/plan" } {
            (csrf(visitor))
            h3 { "Change plan" }
            label for="plan" { "Plan" }
            select #plan name="plan" { @for (code, name) in plans { option value=(code) { (name) } } }
            label for="interval" { "Paid" }
            select #interval name="interval" {
                option value="" { "as it is" }
                option value="month" { "monthly" }
                option value="year" { "yearly" }
            }
            label for="when" { "When" }
            select #when name="when" {
                option value="now" { "now, prorated" }
                option value="period_end" { "when the period ends" }
            }
            button type="submit" { "Change plan" }
        }
    }
}

fn suspend_form(visitor: &Visitor, path: &str) -> Markup {
    html! {
        form.card #suspend method="post" action={ (path) "/suspend" } {
            (csrf(visitor))
            h3 { "Suspend" }
            p.quiet { "Access ends at once, and nothing is collected until it goes on." }
            label for="reason" { "Reason" }
            input #reason name="reason" required maxlength=(REASON_LENGTH_MAX);
            button.danger type="submit" { "Suspend" }
        }
    }
}

fn replay_form(visitor: &Visitor, path: &str) -> Markup {
    html! {
        form.card #replay method="post" action={ (path) "/replay" } {
            (csrf(visitor))
            h3 { "Replay" }
            p.quiet { "Has every webhook about its subscription looked at again. Always safe." }
            button type="submit" { "Replay its webhooks" }
        }
    }
}

fn reactivate_form(visitor: &Visitor, path: &str) -> Markup {
    html! {
        form.card #reactivate method="post" action={ (path) "/reactivate" } {
            (csrf(visitor))
            h3 { "Let it go on" }
            p.quiet { "As it was: access, and collection." }
            button type="submit" { "Reactivate" }
        }
    }
}

fn back_to(tenant: TenantId) -> Redirect {
    Redirect::to(&format!("/pages/tenants/{tenant}"))
}

pub async fn suspend(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    TenantPath(id): TenantPath,
    form: Form,
) -> Result<Redirect> {
    let id = visitor.caller.tenant(id, Permission::ManageTenants)?;
    let reason = form.get("reason")?.to_owned();
    if reason.len() > REASON_LENGTH_MAX {
        return Err(invalid("reason", "must be at most 500 bytes"));
    }
    stand(&app, &visitor.caller.origin(), id, TenantStatus::Suspended, Some(reason)).await?;
    Ok(back_to(id))
}

pub async fn reactivate(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    TenantPath(id): TenantPath,
) -> Result<Redirect> {
    let id = visitor.caller.tenant(id, Permission::ManageTenants)?;
    stand(&app, &visitor.caller.origin(), id, TenantStatus::Active, None).await?;
    Ok(back_to(id))
}

pub async fn change_plan(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    TenantPath(id): TenantPath,
    work: Work,
    form: Form,
) -> Result<Redirect> {
    let id = visitor.caller.tenant(id, Permission::ManageTenants)?;
    let when = match form.find("when") {
        None | Some("now") => When::Now,
        Some("period_end") => When::PeriodEnd,
        Some(_) => return Err(invalid("when", "must be `now` or `period_end`")),
    };
    let plan = form.get("plan")?.to_owned();
    let wanted = PlanChange { plan, interval: form.word("interval")?, when: Some(when) };
    Box::pin(move_to_plan(&app, &visitor.caller.origin(), id, work.0, wanted)).await?;
    Ok(back_to(id))
}

pub async fn replay(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    TenantPath(id): TenantPath,
) -> Result<Redirect> {
    visitor.caller.require(Permission::Operate)?;
    let id = visitor.caller.tenant(id, Permission::Operate)?;
    tenants::get(&app, id).await?;
    let subscription = live_base(&app, id).await?.stripe_subscription_id.to_string();
    let filter = Filter { object_id: Some(subscription), ..Filter::default() };
    replay_many(&app, &visitor.caller.origin(), &filter, None).await?;
    Ok(back_to(id))
}
