//! Making an endpoint, changing it, giving it another secret, taking it away.

use serde::Serialize;
use tollhouse_domain::{
    id::{TenantId, WebhookEndpointId},
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    app::App,
    db::{Json, Tx},
    error::{Conflict, Error, Result, not_found},
    nudge::Nudge,
    outbound::{
        deliveries::queries as deliveries,
        lanes::queries as lanes,
        queries::{self, Endpoint},
        signature::SigningSecret,
        tasks::hand_on,
    },
    record::{Done, Origin, Subject, record_platform},
    tenants::actions as tenants,
};

/// How many endpoints there may be: each is told of every event it wants.
const ENDPOINTS_MAX: i64 = 50;

/// An endpoint that an operator wants.
pub struct Wanted {
    /// Checked already.
    pub url: String,
    pub description: String,
    pub enabled_events: Vec<String>,
    /// The only tenant whose events it is to be told of.
    pub tenant: Option<TenantId>,
}

/// What is to be different of an endpoint.
pub struct Changes {
    /// Checked already.
    pub url: Option<String>,
    pub description: Option<String>,
    pub enabled_events: Option<Vec<String>>,
    pub enabled: Option<bool>,
}

/// # Errors
/// `NotFound`.
pub async fn get(app: &App, id: WebhookEndpointId) -> Result<Endpoint> {
    let mut conn = app.db.read().await?;
    found(queries::find_endpoint(&mut conn, id).await?, id)
}

fn found(row: Option<Endpoint>, id: WebhookEndpointId) -> Result<Endpoint> {
    row.ok_or_else(|| not_found("webhook endpoint", id))
}

/// Makes an endpoint; it is told of what happens from now on. A repetition of the request finds what it made.
///
/// # Errors
/// `NotFound` for the tenant; `WebhookEndpointsUsedUp`.
pub async fn create(app: &App, origin: &Origin, work: Uuid, wanted: Wanted) -> Result<Endpoint> {
    if let Some(tenant) = wanted.tenant {
        tenants::get(app, tenant).await?;
    }
    hand_on(app).await?;
    let now = app.clock.now();
    let row = Endpoint {
        id: WebhookEndpointId::from_uuid(work),
        url: wanted.url,
        description: wanted.description,
        enabled_events: Json::of(&wanted.enabled_events)?,
        tenant_id: wanted.tenant,
        secret: SigningSecret::generate()?,
        secret_id: work,
        previous_secret: None,
        previous_secret_until: None,
        enabled: true,
        disabled_at: None,
        disabled_reason: None,
        failing_since: None,
        created_at: now,
        updated_at: now,
    };
    let mut tx = app.db.begin().await?;
    if let Some(made) = queries::find_endpoint(&mut tx, row.id).await? {
        return Ok(made);
    }
    if queries::count_endpoints(&mut tx).await? >= ENDPOINTS_MAX {
        let sentence = format!(
            "There are {ENDPOINTS_MAX} webhook endpoints already: delete one that is not used, or widen the \
             `enabled_events` of another."
        );
        return Err(Error::Conflict(Conflict::WebhookEndpointsUsedUp, sentence));
    }
    queries::insert_endpoint(&mut tx, &row).await?;
    audit(&mut tx, app, origin, "webhook_endpoint.create", &row).await?;
    tx.commit().await?;
    Ok(row)
}

/// Changes an endpoint. Enabled again, or at another URL, it is told at once of what it was not told of.
///
/// # Errors
/// `NotFound`.
pub async fn update(
    app: &App,
    origin: &Origin,
    id: WebhookEndpointId,
    changes: Changes,
) -> Result<Endpoint> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let before = found(queries::lock_endpoint(&mut tx, id).await?, id)?;
    let mut row = before.clone();
    if let Some(url) = changes.url {
        row.url = url;
    }
    if let Some(description) = changes.description {
        row.description = description;
    }
    if let Some(enabled_events) = changes.enabled_events {
        row.enabled_events = Json::of(&enabled_events)?;
    }
    row.enabled = changes.enabled.unwrap_or(row.enabled);
    if row.enabled != before.enabled {
        row.disabled_at = (!row.enabled).then_some(now);
        row.disabled_reason = (!row.enabled).then(|| "by an operator".to_owned());
    }
    if row.enabled && (!before.enabled || row.url != before.url) {
        row.failing_since = None;
        lanes::wake(&mut tx, id, now).await?;
        deliveries::wake(&mut tx, id, now).await?;
        tx.nudge_after_commit(Nudge::Outbound);
    }
    row.updated_at = now;
    queries::update_endpoint(&mut tx, &row).await?;
    audit(&mut tx, app, origin, "webhook_endpoint.update", &row).await?;
    tx.commit().await?;
    Ok(row)
}

/// Gives an endpoint another secret; the one of before signs too for so long. A repetition of the request finds
/// the secret it made.
///
/// # Errors
/// `NotFound`.
pub async fn rotate_secret(
    app: &App,
    origin: &Origin,
    work: Uuid,
    id: WebhookEndpointId,
    overlap_hours: i64,
) -> Result<Endpoint> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut row = found(queries::lock_endpoint(&mut tx, id).await?, id)?;
    if row.secret_id == work {
        return Ok(row);
    }
    let until = now.plus_seconds(overlap_hours * 3600);
    row.previous_secret_until = (until > now).then_some(until);
    let before = std::mem::replace(&mut row.secret, SigningSecret::generate()?);
    row.previous_secret = row.previous_secret_until.map(|_| before);
    row.secret_id = work;
    row.updated_at = now;
    queries::update_endpoint(&mut tx, &row).await?;
    audit(&mut tx, app, origin, "webhook_endpoint.rotate_secret", &row).await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes an endpoint away, with its secrets. What is left of it is swept later.
///
/// # Errors
/// `NotFound`.
pub async fn delete(app: &App, origin: &Origin, id: WebhookEndpointId) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let row = found(queries::lock_endpoint(&mut tx, id).await?, id)?;
    queries::delete_endpoint(&mut tx, id).await?;
    audit(&mut tx, app, origin, "webhook_endpoint.delete", &row).await?;
    Ok(tx.commit().await?)
}

/// An endpoint as the audit has it: of the URL only the host, for the rest may be a secret of the receiver's.
#[derive(Serialize)]
struct Audited<'a> {
    host: Option<String>,
    enabled_events: &'a Json,
    tenant_id: Option<TenantId>,
    enabled: bool,
    previous_secret_until: Option<Timestamp>,
}

async fn audit(
    tx: &mut Tx,
    app: &App,
    origin: &Origin,
    action: &'static str,
    row: &Endpoint,
) -> Result<()> {
    let url = row.url.parse::<url::Url>().ok();
    let data = Audited {
        host: url.and_then(|url| url.host_str().map(str::to_owned)),
        enabled_events: &row.enabled_events,
        tenant_id: row.tenant_id,
        enabled: row.enabled,
        previous_secret_until: row.previous_secret_until,
    };
    let subject = Subject::new("webhook_endpoint", row.id);
    let done = Done { action, subject: &subject, data: &data, at: app.clock.now() };
    record_platform(tx, app, origin, done).await
}
