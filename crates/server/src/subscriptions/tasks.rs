//! What happens to subscriptions without anyone asking: add-ons follow, reminders are told.

use std::sync::Arc;

use tollhouse_domain::{event::EventType, id::SubscriptionId, time::Timestamp};

use super::{
    actions::follow_due,
    due::queries::{self, Due},
    queries::Subscription,
    revenue::look_at_some,
};
use crate::{
    app::App,
    db::Tx,
    error::Result,
    record::{Happened, Origin, Subject, record},
    revenue::actions::stop,
};

/// Rows looked at in one go.
const BATCH: i64 = 100;
const BACKOFF_SECONDS_MAX: i64 = 6 * 3600;
/// About three days; the next change of the base begins anew.
const ATTEMPTS_MAX: i64 = 20;
/// Whoever is in a trial is reminded this long before it ends.
const REMINDER_DAYS: i64 = 3;

/// Makes the add-ons follow whose base has changed.
pub async fn follow_bases(app: Arc<App>) -> Result<()> {
    while !app.stop.is_cancelled() {
        let mut conn = app.db.read().await?;
        let due = queries::list_due_addons(&mut conn, app.clock.now(), BATCH).await?;
        drop(conn);
        if due.is_empty() {
            return Ok(());
        }
        for due in due {
            follow_one(&app, &due).await?;
        }
    }
    Ok(())
}

/// Takes note of what the subscriptions come to that were there before that was counted.
pub async fn note_revenue(app: &App) -> Result<()> {
    while !app.stop.is_cancelled() && look_at_some(app).await? {}
    Ok(())
}

async fn follow_one(app: &App, due: &Due) -> Result<()> {
    let Err(error) = follow_due(app, &Origin::system(), due).await else { return Ok(()) };
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    tracing::error!(subscription.id = %due.id, error.cause = cause, "an add-on does not follow its base yet: {error}");
    let next = next_attempt(app.clock.now(), due.follow_attempts, due.id);
    let mut tx = app.db.begin().await?;
    queries::put_off_addon(&mut tx, due.id, next).await?;
    Ok(tx.commit().await?)
}

/// A minute, two, four … up to six hours; `None` once it is left to a person.
fn next_attempt(now: Timestamp, attempts: i64, id: SubscriptionId) -> Option<Timestamp> {
    if attempts >= ATTEMPTS_MAX {
        tracing::error!(subscription.id = %id, "an add-on was given up: it ends on other dates than its base");
        return None;
    }
    let seconds = 60_i64 << attempts.clamp(0, 10);
    Some(now.plus_seconds(seconds.min(BACKOFF_SECONDS_MAX)))
}

/// Reminds of trials that end soon, and tells of grace that is over. Each once, whichever instance sees it.
pub async fn tell_what_time_brings(app: &App) -> Result<()> {
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let trials =
        queries::list_ending_trials(&mut conn, now.plus_days(REMINDER_DAYS), BATCH).await?;
    let grace_days = i64::from(app.config.billing.grace_period_days);
    let graces = queries::list_ended_graces(&mut conn, now.plus_days(-grace_days), BATCH).await?;
    drop(conn);
    for row in trials {
        let mut tx = app.db.begin().await?;
        if queries::mark_reminded(&mut tx, &row).await? {
            let end = row.trial_end.unwrap_or(row.period_end);
            let summary = format!("The trial of {} ends on {}", row.plan_code, end.date());
            tell(app, &mut tx, EventType::SubscriptionTrialEnding, &row, summary).await?;
            tx.commit().await?;
        }
    }
    for row in graces {
        let mut tx = app.db.begin().await?;
        if queries::mark_grace_told(&mut tx, &row).await? {
            let summary = format!("{} was not paid in time and grants nothing now", row.plan_code);
            tell(app, &mut tx, EventType::SubscriptionGraceEnded, &row, summary).await?;
            stop(&mut tx, &app.clock, row.id).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn tell(
    app: &App,
    tx: &mut Tx,
    event: EventType,
    row: &Subscription,
    summary: String,
) -> Result<()> {
    let happened = Happened {
        tenant: row.tenant_id,
        event,
        audit: None,
        subject: &Subject::new("subscription", row.id),
        summary,
        data: &serde_json::json!({
            "plan": row.plan_code,
            "status": row.status,
            "trial_end": row.trial_end,
            "grace_started_at": row.grace_started_at,
        }),
        at: app.clock.now(),
    };
    record(tx, app, &Origin::system(), happened).await
}
