//! What Stripe says of meter events it took and does not count.

use tollhouse_stripe::EventId;

use super::{actions::refuse, queries};
use crate::{app::App, error::Result, sync::Synced};

/// Takes in a report of errors: the meter events it names are refused.
///
/// Stripe names some of them, and not all where they are many. What it does not name is found by comparing
/// what its meters come to.
///
/// # Errors
/// Stripe's, and the database's.
pub async fn error_report(app: &App, id: &EventId) -> Result<Synced> {
    let reason = app.stripe.retrieve_meter_error_report(id).await?.data.reason;
    let (mut named, mut ours) = (0, 0);
    for kind in &reason.error_types {
        for sample in &kind.sample_errors {
            named += 1;
            let mut conn = app.db.read().await?;
            let identifier = &sample.request.identifier;
            let found = queries::find_by_identifier(&mut conn, identifier).await?;
            drop(conn);
            let Some(event) = found else { continue };
            ours += 1;
            let why = format!("{}: {}", kind.code, sample.error_message);
            refuse(app, &event, &why).await?;
        }
    }
    if reason.error_count > named {
        tracing::error!(delivery.event = %id, refused = reason.error_count, named,
            "Stripe refused more usage than it names: comparing with its meters will show it");
        return Ok(Synced::Kept("Stripe refused more reports than it names"));
    }
    Ok(match ours {
        0 => Synced::NotOurs("the refused usage was not reported by us"),
        _ => Synced::Done,
    })
}
