//! How every change leaves its trace: an event and an audit row, in the transaction of the change.

use std::net::IpAddr;

use serde::Serialize;
use tollhouse_domain::{
    actor::Actor,
    event::EventType,
    id::{AuditId, EventId, TenantId},
    time::Timestamp,
};

use crate::{
    app::App,
    audit::queries::{self, AuditEntry},
    clock::Clock,
    db::{DbError, DbResult, Json, Tx},
    error::Result,
    events::queries::{self as events, Event},
    nudge::Nudge,
};

/// Who caused a change, and through which request.
#[derive(Clone, Debug)]
pub struct Origin {
    pub actor: Actor,
    pub request_id: Option<String>,
    /// Where the request came from, as the connection says: behind a proxy, the proxy's.
    pub address: Option<IpAddr>,
}

impl Origin {
    /// A webhook of Stripe's told us.
    pub fn stripe() -> Self {
        Self { actor: Actor::Stripe, request_id: None, address: None }
    }

    /// The service itself: start-up, or a task.
    pub fn system() -> Self {
        Self { actor: Actor::System, request_id: None, address: None }
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

/// One thing done to the installation: it concerns no single tenant, and is no tenant's event.
pub struct Done<'a, Data: Serialize> {
    /// The audit name: `coupon.create`.
    pub action: &'static str,
    pub subject: &'a Subject,
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
    let sequence = events::next_sequence(tx, happened.tenant).await?;
    let event = Event {
        tenant_id: happened.tenant,
        sequence,
        position: None,
        id: EventId::from_uuid(app.clock.new_id()),
        r#type: happened.event,
        occurred_at: happened.at,
        summary: happened.summary,
        subject_kind: happened.subject.kind.to_owned(),
        subject_id: happened.subject.id.clone(),
        data: Json::of(happened.data)?,
    };
    events::insert(tx, &event).await?;
    let done = Done {
        action: happened.audit.unwrap_or(happened.event.as_str()),
        subject: happened.subject,
        data: happened.data,
        at: happened.at,
    };
    audit(tx, app, origin, Some(happened.tenant), done).await?;
    tx.nudge_after_commit(Nudge::Events(happened.tenant));
    Ok(())
}

/// Writes the audit row of something that concerns the installation and no single tenant.
pub async fn record_platform<Data: Serialize>(
    tx: &mut Tx,
    app: &App,
    origin: &Origin,
    done: Done<'_, Data>,
) -> Result<()> {
    audit(tx, app, origin, None, done).await
}

/// What one actor did many times in one transaction; it stands in the audit as one row.
pub struct Often<'a, Data: Serialize> {
    pub origin: Origin,
    pub tenant: Option<TenantId>,
    pub done: Done<'a, Data>,
}

/// Writes the audit rows of things that are no events of their own, in one statement.
pub async fn record_often<Data: Serialize>(
    tx: &mut Tx,
    clock: &Clock,
    often: &[Often<'_, Data>],
) -> DbResult<()> {
    let entry = |often: &Often<'_, Data>| entry(clock, &often.origin, often.tenant, &often.done);
    let entries: Vec<AuditEntry> = often.iter().map(entry).collect::<Result<_, _>>()?;
    queries::insert_all(tx, &entries).await
}

async fn audit<Data: Serialize>(
    tx: &mut Tx,
    app: &App,
    origin: &Origin,
    tenant: Option<TenantId>,
    done: Done<'_, Data>,
) -> Result<()> {
    Ok(queries::insert(tx, &entry(&app.clock, origin, tenant, &done)?).await?)
}

fn entry<Data: Serialize>(
    clock: &Clock,
    origin: &Origin,
    tenant: Option<TenantId>,
    done: &Done<'_, Data>,
) -> DbResult<AuditEntry> {
    Ok(AuditEntry {
        id: AuditId::from_uuid(clock.new_id()),
        tenant_id: tenant,
        action: done.action.to_owned(),
        actor_kind: origin.actor.kind().to_owned(),
        actor: origin.actor.name(),
        request_id: origin.request_id.clone(),
        subject_kind: done.subject.kind.to_owned(),
        subject_id: done.subject.id.clone(),
        data: Json::of(done.data).map_err(|error| DbError::Encode(error.into()))?,
        occurred_at: done.at,
        address: origin.address.map(|address| address.to_string()),
        number: None,
        hash: None,
    })
}
