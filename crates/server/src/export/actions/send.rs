//! Sending one meter event, and writing down what became of it.

use tollhouse_domain::{
    event::EventType,
    id::MeterEventId,
    time::Timestamp,
    usage::{IDENTIFIER_SECONDS, MeterEventState},
};
use tollhouse_stripe::{
    Error as StripeError, IdempotencyKey,
    params::{CreateMeterEvent, MeterEventPayload},
};

use super::look_up::{Found, look_up};
use crate::{
    app::App,
    db::Tx,
    error::Result,
    export::queries::{self, MeterEvent, Outcome},
    record::{Happened, Origin, Subject, record},
};

const BACKOFF_SECONDS: i64 = 5;
const BACKOFF_SECONDS_MAX: i64 = 3600;

/// Sends a claimed meter event. Whatever Stripe answers is written down; it is no error of the caller's.
///
/// Within a day a second one with the same identifier is known to Stripe as the same. After that we look first
/// whether the first one was counted.
///
/// # Errors
/// Only the database's: then the claim runs out, and somebody sends it again.
pub async fn send(app: &App, event: &MeterEvent) -> Result<()> {
    let now = app.clock.now();
    let is_known_again =
        event.asked_at.is_none_or(|asked| now.seconds_since(asked) < IDENTIFIER_SECONDS);
    if !is_known_again {
        match look_up(app, event).await? {
            Found::Counted => return settle(app, event, sent(now)).await,
            Found::Missing => {
                let mut tx = app.db.begin().await?;
                let is_ours = queries::ask_anew(&mut tx, event, now).await?;
                tx.commit().await?;
                if !is_ours {
                    return Ok(());
                }
            }
            Found::Unclear(why) => return settle(app, event, unclear(why)).await,
            Found::Later(why) => return settle(app, event, later(app, event, why)).await,
        }
    }
    let params = CreateMeterEvent {
        event_name: event.meter.clone(),
        identifier: event.identifier.clone(),
        timestamp: event.told_at.as_second(),
        payload: MeterEventPayload {
            stripe_customer_id: event.stripe_customer_id.clone(),
            value: event.quantity().to_string(),
        },
    };
    let key = IdempotencyKey::new("create-meter-event", &event.identifier);
    let outcome = match app.stripe.create_meter_event(&params, &key).await {
        Ok(_) => sent(now),
        Err(error) if is_known(&error) => sent(now),
        Err(error) if is_untouched(&error) => {
            Outcome { asked_at: None, ..later(app, event, error.to_string()) }
        }
        Err(error) if error.is_transient() => later(app, event, error.to_string()),
        Err(error) => Outcome {
            state: MeterEventState::Refused,
            due_at: None,
            asked_at: None,
            sent_at: None,
            reason: Some(error.to_string()),
        },
    };
    settle(app, event, outcome).await
}

/// Stripe has one with this identifier: ours, of an attempt whose answer never came. Its documents name neither a
/// code nor a parameter for that, so any sign of it will do: nothing else can be wrong with an identifier of ours.
fn is_known(error: &StripeError) -> bool {
    matches!(error, StripeError::Invalid { code, param, message }
        if code == "resource_already_exists" || param == "identifier" || message.contains("already exists"))
}

/// Stripe turned it away before it looked at it.
fn is_untouched(error: &StripeError) -> bool {
    matches!(
        error,
        StripeError::Limited(_) | StripeError::Unauthorized(_) | StripeError::Unconfigured
    )
}

fn sent(now: Timestamp) -> Outcome {
    Outcome {
        state: MeterEventState::Sent,
        due_at: None,
        asked_at: None,
        sent_at: Some(now),
        reason: None,
    }
}

fn unclear(why: String) -> Outcome {
    Outcome {
        state: MeterEventState::Unclear,
        due_at: None,
        asked_at: None,
        sent_at: None,
        reason: Some(why),
    }
}

/// Twice as long after each failure, up to an hour, with half of it left to chance.
fn later(app: &App, event: &MeterEvent, why: String) -> Outcome {
    let doublings = u32::try_from(event.attempts.clamp(1, 16) - 1).unwrap_or(0);
    let ceiling = (BACKOFF_SECONDS << doublings).min(BACKOFF_SECONDS_MAX);
    let chance = i64::try_from(app.clock.seed() % 1000).unwrap_or(0);
    Outcome {
        state: MeterEventState::Pending,
        due_at: Some(app.clock.now().plus_seconds(ceiling / 2 + ceiling * chance / 2000)),
        asked_at: event.asked_at,
        sent_at: None,
        reason: Some(why),
    }
}

async fn settle(app: &App, event: &MeterEvent, outcome: Outcome) -> Result<()> {
    let reason = outcome.reason.clone().unwrap_or_default();
    let mut tx = app.db.begin().await?;
    if !queries::settle(&mut tx, event, &outcome).await? {
        return Ok(());
    }
    match outcome.state {
        MeterEventState::Sent => {}
        MeterEventState::Pending => {
            tracing::warn!(meter_event.id = %event.id, attempts = event.attempts, error.cause = reason,
                "usage could not be told to Stripe and will be again");
        }
        MeterEventState::Refused => {
            tell(app, &mut tx, event, EventType::UsageExportRefused, &reason).await?;
        }
        MeterEventState::Unclear => {
            tell(app, &mut tx, event, EventType::UsageExportUnclear, &reason).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Stripe took it, and says later that it does not count it. `false` where that is known.
pub async fn refuse(app: &App, event: &MeterEvent, reason: &str) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    if !queries::refuse_sent(&mut tx, event.id, reason).await? {
        return Ok(false);
    }
    tell(app, &mut tx, event, EventType::UsageExportRefused, reason).await?;
    tx.commit().await?;
    Ok(true)
}

async fn tell(
    app: &App,
    tx: &mut Tx,
    event: &MeterEvent,
    what: EventType,
    reason: &str,
) -> Result<()> {
    let id: MeterEventId = event.id;
    tracing::error!(meter_event.id = %id, tenant.id = %event.tenant_id, error.cause = reason,
        "usage was counted and is not billed: it waits for a person");
    let happened = Happened {
        tenant: event.tenant_id,
        event: what,
        audit: None,
        subject: &Subject::new("meter_event", id),
        summary: format!("{} of {} waits to be billed", event.quantity(), event.meter),
        data: &serde_json::json!({
            "meter": event.meter,
            "quantity": event.quantity(),
            "told_at": event.told_at,
            "identifier": event.identifier,
        }),
        at: app.clock.now(),
    };
    record(tx, app, &Origin::system(), happened).await
}
