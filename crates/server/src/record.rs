//! How every change leaves its trace: an event and an audit row, in the transaction of the change.

use serde::Serialize;
use tollhouse_domain::{
    actor::Actor,
    event::EventType,
    id::{AuditId, EventId, TenantId},
    time::Timestamp,
};

use crate::{
    app::App,
    audit::queries::{self as audit, AuditEntry},
    db::{Json, Tx},
    error::Result,
    events::queries::{self as events, Event},
    nudge::Nudge,
};

/// Who caused a change, and through which request.
#[derive(Clone, Debug)]
pub struct Origin {
    pub actor: Actor,
    pub request_id: Option<String>,
}

impl Origin {
    /// A webhook of Stripe's told us.
    pub fn stripe() -> Self {
        Self { actor: Actor::Stripe, request_id: None }
    }

    /// The service itself: start-up, or a task.
    pub fn system() -> Self {
        Self { actor: Actor::System, request_id: None }
    }
}

/// What a change is about: a kind and an id, `("subscription", id)`.
#[derive(Clone, Debug)]
pub struct Subject {
    pub kind: &'static str,
    pub id: String,
}

impl Subject {
    pub fn new(kind: &'static str, id: impl ToString) -> Self {
        Self { kind, id: id.to_string() }
    }
}

/// One thing that happened to a tenant.
pub struct Happened<'a, Data: Serialize> {
    pub tenant: TenantId,
    pub event: EventType,
    /// The audit name where it differs from the event's: `checkout_session.created`.
    pub audit: Option<&'static str>,
    pub subject: &'a Subject,
    /// A sentence for people.
    pub summary: String,
    pub data: &'a Data,
    pub at: Timestamp,
}

/// Writes the event, with the tenant's next number, and the audit row.
///
/// Whoever listens is nudged after the commit; nobody hears of a change that was rolled back.
pub async fn record<Data: Serialize>(
    tx: &mut Tx,
    app: &App,
    origin: &Origin,
    happened: Happened<'_, Data>,
) -> Result<()> {
    let data = Json::of(happened.data)?;
    let sequence = events::next_sequence(tx, happened.tenant).await?;
    let event = Event {
        tenant_id: happened.tenant,
        sequence,
        id: EventId::from_uuid(app.clock.new_id()),
        r#type: happened.event,
        occurred_at: happened.at,
        summary: happened.summary,
        subject_kind: happened.subject.kind.to_owned(),
        subject_id: happened.subject.id.clone(),
        data: data.clone(),
    };
    events::insert(tx, &event).await?;
    let entry = AuditEntry {
        id: AuditId::from_uuid(app.clock.new_id()),
        tenant_id: Some(happened.tenant),
        action: happened.audit.unwrap_or(happened.event.as_str()).to_owned(),
        actor_kind: origin.actor.kind().to_owned(),
        actor: origin.actor.name(),
        request_id: origin.request_id.clone(),
        subject_kind: event.subject_kind,
        subject_id: event.subject_id,
        data,
        occurred_at: happened.at,
    };
    audit::insert(tx, &entry).await?;
    tx.nudge_after_commit(Nudge::Events(happened.tenant));
    Ok(())
}
