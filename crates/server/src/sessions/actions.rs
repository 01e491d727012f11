//! Beginning a session, knowing one again, ending it.

use sha2::{Digest, Sha256};
use tollhouse_domain::{
    actor::Role,
    id::{SessionId, TenantId},
    time::Timestamp,
};

use super::queries::{self, Session};
use crate::{
    app::App,
    db::Tx,
    error::{Result, not_found},
    record::{Done, Often, Origin, Subject, record_often},
    tenants::actions as tenants,
};

/// Somebody who has shown a token.
pub struct Bearer {
    pub subject: String,
    pub role: Role,
    /// Their own tenant, as the token has it.
    pub tenant: Option<String>,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// Begins a session; answers what the cookie is to hold, once and never again.
///
/// # Errors
/// `NotFound` for the bearer's tenant.
pub async fn begin(app: &App, origin: &Origin, bearer: Bearer) -> Result<(Session, String)> {
    let own = match &bearer.tenant {
        Some(id) => Some(id.parse().map_err(|_| not_found("tenant", id))?),
        None => None,
    };
    if let Some(tenant) = own {
        tenants::get(app, tenant).await?;
    }
    let secret = hex::encode(app.clock.secret()?);
    let now = app.clock.now();
    let session = Session {
        id: SessionId::from_uuid(app.clock.new_id()),
        hash: hash(&secret),
        subject: bearer.subject,
        role: bearer.role,
        tenant: bearer.tenant,
        began_at: now,
        ends_at: bearer.expires_at.min(now.plus_seconds(app.config.session.life_seconds)),
    };
    let mut tx = app.db.begin().await?;
    queries::insert(&mut tx, &session).await?;
    audit(&mut tx, app, origin, "session.begin", &session).await?;
    tx.commit().await?;
    Ok((session, secret))
}

/// The session whose cookie holds this, where there is one that has not ended.
pub async fn know(app: &App, secret: &str) -> Result<Option<Session>> {
    let mut conn = app.db.read().await?;
    Ok(queries::find(&mut conn, hash(secret), app.clock.now()).await?)
}

/// Ends a session, from the next request on.
pub async fn end(app: &App, origin: &Origin, session: &Session) -> Result<()> {
    let mut tx = app.db.begin().await?;
    // Of two requests that end it at once, one does.
    if queries::delete(&mut tx, session.id).await? {
        audit(&mut tx, app, origin, "session.end", session).await?;
    }
    Ok(tx.commit().await?)
}

/// What a page of our own origin shows to prove that it is one. Made of the cookie's value, which no page can
/// read: who knows the one does not know the other.
pub fn csrf_token(secret: &str) -> String {
    hex::encode(Sha256::new().chain_update("tollhouse csrf ").chain_update(secret).finalize())
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

async fn audit(
    tx: &mut Tx,
    app: &App,
    origin: &Origin,
    action: &'static str,
    session: &Session,
) -> Result<()> {
    let tenant: Option<TenantId> = session.tenant.as_deref().and_then(|id| id.parse().ok());
    let subject = Subject::new("session", session.id);
    let data = serde_json::json!({ "role": session.role, "ends_at": session.ends_at });
    let done = Done { action, subject: &subject, data: &data, at: app.clock.now() };
    let often = [Often { origin: origin.clone(), tenant, done }];
    Ok(record_often(tx, &app.clock, &often).await?)
}
