//! Webhooks that never came: Stripe's own list of events against the deliveries we have.
//!
//! Stripe keeps thirty days, and lists the newest first. So the list is read back to where the last run
//! ended, and worked from there on, the oldest first; the place is written down as it moves.

use std::collections::BTreeMap;

use tollhouse_domain::{reconcile::RunKind, time::Timestamp};
use tollhouse_stripe::{Created, Event, EventId};

use super::{
    drift::Suspect,
    run::{Ended, Holder, Job},
};
use crate::{
    error::Result,
    webhooks::{
        dispatch::{self, Target},
        queries as webhooks,
    },
};

/// A younger event may still be on its way.
const ON_ITS_WAY_SECONDS: i64 = 300;
/// Looked up in the ledger at once.
const BATCH: usize = 100;
/// More than these and the objects themselves are compared instead.
const EVENTS_MAX: usize = 100_000;

/// An event, read only as far as finding what it is about needs.
struct Told {
    id: EventId,
    created: i64,
    r#type: String,
    about: Option<(Target, String)>,
}

/// Looks through what Stripe told since the last run. The first one only marks the place, and so does an
/// import: it compares every object, however old.
///
/// Where the list does not reach back to that place, every object is compared afterwards.
pub(super) async fn look_through(holder: &mut Holder) -> Result<Ended> {
    let known = holder.run.event_cursor.clone();
    let Some(cursor) = known.filter(|_| holder.run.kind != RunKind::Import) else {
        let newest = holder.app.stripe.walk_events(None).await?.data.into_iter().next();
        holder.run.event_cursor = newest.map(|event| event.id.to_string());
        holder.widen().await?;
        return Ok(Ended::Whole);
    };
    let (told, reaches_back) = list_since(holder, &cursor).await?;
    if !reaches_back {
        tracing::warn!(
            run.id = %holder.run.id,
            "Stripe's events do not reach back to the last comparison, so every object is compared"
        );
        holder.widen().await?;
    }
    let now = holder.app.clock.now().as_second();
    // An event of a test clock may be of any time.
    let on_its_way = |event: &Told| (now - event.created).abs() < ON_ITS_WAY_SECONDS;
    let settled = told.iter().position(on_its_way).unwrap_or(told.len());
    for batch in told[..settled].chunks(BATCH) {
        let jobs = lost_of(holder, batch).await?;
        if holder.look_at(jobs).await? == Ended::Stopped {
            return Ok(Ended::Stopped);
        }
        holder.run.event_cursor = batch.last().map(|event| event.id.to_string());
        holder.save().await?;
    }
    Ok(Ended::Whole)
}

/// What came after the event named, oldest first, and whether that event was found.
async fn list_since(holder: &mut Holder, cursor: &str) -> Result<(Vec<Told>, bool)> {
    let mut told: Vec<Told> = Vec::new();
    let mut reaches_back = false;
    loop {
        let after = told.last().map(|last| last.id.to_string());
        let page = holder.app.stripe.walk_events(after.as_deref()).await?;
        let is_last = !page.has_more || page.data.is_empty();
        for event in page.data {
            reaches_back |= event.id.as_str() == cursor;
            if reaches_back {
                break;
            }
            told.push(read(event));
        }
        if reaches_back || is_last || told.len() >= EVENTS_MAX {
            told.reverse();
            return Ok((told, reaches_back));
        }
        holder.save().await?;
    }
}

fn read(event: Event) -> Told {
    let about = dispatch::target(&event.r#type).zip(event.subject);
    let created = match event.created {
        Created::Second(second) => second,
        // Only thin notifications have it so, and this list has none.
        Created::Text(text) => text.parse::<Timestamp>().map_or(0, Timestamp::as_second),
    };
    Told { id: event.id, created, r#type: event.r#type, about }
}

/// Each object once of which at least one event is in no delivery.
async fn lost_of(holder: &Holder, batch: &[Told]) -> Result<Vec<Job>> {
    let of_ours: Vec<&Told> = batch.iter().filter(|told| told.about.is_some()).collect();
    let ids: Vec<EventId> = of_ours.iter().map(|told| told.id.clone()).collect();
    let mut conn = holder.app.db.read().await?;
    let known = webhooks::list_known(&mut conn, &ids).await?;
    let mut objects: BTreeMap<(Target, String), Suspect> = BTreeMap::new();
    for told in of_ours.into_iter().filter(|told| !known.contains(&told.id)) {
        let Some((target, id)) = told.about.clone() else { continue };
        let suspect = objects.entry((target, id.clone())).or_insert_with(|| Suspect {
            run: holder.run.id,
            target,
            id,
            reason: format!("the webhook `{}` ({}) never came", told.r#type, told.id),
            lost: 0,
            is_over: false,
            is_drift: true,
        });
        suspect.lost += 1;
    }
    Ok(objects.into_values().map(Job::Compare).collect())
}
