//! Suspending a tenant, letting it go on, terminating it.

use tollhouse_domain::{event::EventType, id::TenantId, tenant::TenantStatus};

use super::settle;
use crate::{
    app::App,
    error::{Conflict, Error, Result, not_found},
    record::{Happened, Origin, Subject, record},
    tenants::{
        actions as tenants,
        queries::{self, Tenant},
    },
};

/// Makes a tenant stand as `next`, at once; Stripe follows, now or by the task. Repeating it changes nothing.
///
/// # Errors
/// `NotFound`; `Conflict` where it is terminated.
pub async fn stand(
    app: &App,
    origin: &Origin,
    id: TenantId,
    next: TenantStatus,
    reason: Option<String>,
) -> Result<Tenant> {
    write(app, origin, id, next, reason).await?;
    settle(app, origin, id).await?;
    tenants::get(app, id).await
}

async fn write(
    app: &App,
    origin: &Origin,
    id: TenantId,
    next: TenantStatus,
    reason: Option<String>,
) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let found = queries::find_locked(&mut tx, id).await?;
    let mut tenant = found.ok_or_else(|| not_found("tenant", id))?;
    if !tenant.status.may_become(next) {
        let sentence = "The tenant is terminated, for good: create another one instead.";
        return Err(Error::Conflict(Conflict::TenantTerminated, sentence.to_owned()));
    }
    if tenant.status == next {
        return Ok(());
    }
    let before = std::mem::replace(&mut tenant.status, next);
    tenant.status_reason.clone_from(&reason);
    tenant.status_since = Some(now);
    tenant.updated_at = now;
    queries::update(&mut tx, &tenant).await?;
    tenants::ask_to_settle(&mut tx, app, id).await?;
    let (event, audit, what) = words(next);
    let happened = Happened {
        tenant: id,
        event,
        audit: Some(audit),
        subject: &Subject::new("tenant", id),
        summary: format!("{} {what}", tenant.name),
        data: &serde_json::json!({ "before": before, "status": next, "reason": reason }),
        at: now,
    };
    record(&mut tx, app, origin, happened).await?;
    Ok(tx.commit().await?)
}

/// What it is called: the event, the audit's name, and for people.
fn words(status: TenantStatus) -> (EventType, &'static str, &'static str) {
    match status {
        TenantStatus::Active => (EventType::TenantReactivated, "tenant.reactivate", "goes on"),
        TenantStatus::Suspended => (EventType::TenantSuspended, "tenant.suspend", "was suspended"),
        TenantStatus::Terminated => {
            (EventType::TenantTerminated, "tenant.terminate", "was terminated")
        }
    }
}
