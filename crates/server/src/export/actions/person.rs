//! What a person decides of a meter event that was refused, or of which nobody knows whether Stripe has it.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tollhouse_domain::{id::MeterEventId, usage::MeterEventState};
use utoipa::ToSchema;

use crate::{
    app::App,
    error::{Conflict, Error, Result, not_found},
    export::queries,
    nudge::Nudge,
    record::{Done, Origin, Subject, record_platform},
};

/// What is to become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What stood against it was put right: send it, under another identifier.
    SendAgain,
    /// Stripe has it, or it is billed in another way: never send it.
    TakeAsSent,
}

/// Ends what waits for a person.
///
/// # Errors
/// `NotFound`; `Conflict` where it does not wait for a person.
pub async fn settle(
    app: &App,
    origin: &Origin,
    id: MeterEventId,
    verdict: Verdict,
) -> Result<queries::MeterEvent> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let found = queries::find_for_update(&mut tx, id).await?;
    let event = found.ok_or_else(|| not_found("meter event", id))?;
    if !matches!(event.state, MeterEventState::Refused | MeterEventState::Unclear) {
        let why = format!("The meter event is `{}`: it waits for nobody.", event.state);
        return Err(Error::Conflict(Conflict::MeterEventSettled, why));
    }
    match verdict {
        Verdict::SendAgain => {
            let identifier = app.clock.new_id().to_string();
            queries::begin_anew(&mut tx, id, &identifier, now).await?;
        }
        Verdict::TakeAsSent => queries::take_as_sent(&mut tx, id, now).await?,
    }
    let data = json!({ "was": event.state, "reason": event.reason, "outcome": verdict });
    let subject = Subject::new("meter_event", id);
    let done = Done { action: "meter_event.settle", subject: &subject, data: &data, at: now };
    record_platform(&mut tx, app, origin, done).await?;
    let settled = queries::find_for_update(&mut tx, id).await?;
    tx.nudge_after_commit(Nudge::Usage);
    tx.commit().await?;
    settled.ok_or_else(|| not_found("meter event", id))
}
