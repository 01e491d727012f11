//! Making an API key, knowing one again, revoking it.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tollhouse_domain::{
    actor::Scope,
    id::{ApiKeyId, TenantId},
    time::Timestamp,
};

use super::queries::{self, ApiKey};
use crate::{
    app::App,
    db::Json,
    error::{Conflict, Error, Result, not_found},
    record::{Done, Origin, Subject, record_platform},
    tenants::actions as tenants,
};

/// How every key begins.
pub const MARK: &str = "th_";
/// Of the key's hexadecimal digits, those that it is found by.
const PREFIX_DIGITS: usize = 12;
/// Uses are noted no more often than this.
const USE_NOTED_SECONDS: i64 = 60;

/// A key that somebody wants.
pub struct WantedKey {
    pub id: ApiKeyId,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// The only tenant it is to reach.
    pub tenant: Option<TenantId>,
    pub expires_at: Option<Timestamp>,
}

/// Makes a key; answers it, once and never again.
///
/// # Errors
/// `NotFound` for its tenant; `Conflict` where the same request has made it before.
pub async fn create(app: &App, origin: &Origin, wanted: WantedKey) -> Result<(ApiKey, String)> {
    if let Some(tenant) = wanted.tenant {
        tenants::get(app, tenant).await?;
    }
    let (key, prefix) = make(app)?;
    let now = app.clock.now();
    let row = ApiKey {
        id: wanted.id,
        prefix,
        hash: Sha256::digest(key.as_bytes()).to_vec(),
        name: wanted.name,
        scopes: Json::of(&wanted.scopes)?,
        tenant_id: wanted.tenant,
        created_by: origin.actor.name(),
        created_at: now,
        expires_at: wanted.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    let mut tx = app.db.begin().await?;
    if !queries::insert(&mut tx, &row).await? {
        let sentence = "This request has made its key before, and a key is shown once: revoke that one \
                        and make another, under a new `Idempotency-Key`.";
        return Err(Error::Conflict(Conflict::ApiKeyExists, sentence.to_owned()));
    }
    let done = Done {
        action: "api_key.create",
        subject: &Subject::new("api_key", row.id),
        data: &serde_json::json!({
            "name": row.name,
            "scopes": wanted.scopes,
            "tenant_id": row.tenant_id,
            "expires_at": row.expires_at,
        }),
        at: now,
    };
    record_platform(&mut tx, app, origin, done).await?;
    tx.commit().await?;
    Ok((row, key))
}

/// A key and how it begins: `th_`, 12 digits to find it by, and 52 more: 256 bits of chance.
fn make(app: &App) -> Result<(String, String)> {
    let digits = hex::encode(app.clock.secret()?);
    Ok((format!("{MARK}{digits}"), digits[..PREFIX_DIGITS].to_owned()))
}

/// The key that this text is; `Err` says why it opens nothing.
///
/// # Errors
/// Outside: the database's. Inside: a sentence for whoever showed the key.
pub async fn know(app: &App, text: &str) -> Result<Result<ApiKey, &'static str>> {
    let digits = text.strip_prefix(MARK).unwrap_or_default();
    let Some(prefix) = digits.get(..PREFIX_DIGITS) else { return Ok(Err(UNKNOWN)) };
    let mut conn = app.db.read().await?;
    let found = queries::find_by_prefix(&mut conn, prefix).await?;
    drop(conn);
    let hash = Sha256::digest(text.as_bytes());
    let known = found.filter(|key| bool::from(key.hash.as_slice().ct_eq(hash.as_slice())));
    let Some(key) = known else { return Ok(Err(UNKNOWN)) };
    let now = app.clock.now();
    if key.revoked_at.is_some() {
        return Ok(Err("The API key was revoked: use another one."));
    }
    if key.expires_at.is_some_and(|end| end <= now) {
        return Ok(Err("The API key has expired: use another one."));
    }
    let stale = now.plus_seconds(-USE_NOTED_SECONDS);
    if key.last_used_at.is_none_or(|last| last < stale) {
        let mut tx = app.db.begin().await?;
        queries::mark_used(&mut tx, key.id, now, stale).await?;
        tx.commit().await?;
    }
    Ok(Ok(key))
}

const UNKNOWN: &str = "There is no such API key here: check that all of it was copied.";

/// Revokes a key, for good. Repeating it changes nothing.
///
/// # Errors
/// `NotFound`
pub async fn revoke(app: &App, origin: &Origin, id: ApiKeyId) -> Result<ApiKey> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let found = queries::find(&mut tx, id).await?;
    let key = found.ok_or_else(|| not_found("API key", id))?;
    if queries::revoke(&mut tx, id, now).await? {
        let done = Done {
            action: "api_key.revoke",
            subject: &Subject::new("api_key", id),
            data: &serde_json::json!({ "name": key.name, "tenant_id": key.tenant_id }),
            at: now,
        };
        record_platform(&mut tx, app, origin, done).await?;
    }
    let key = queries::find(&mut tx, id).await?;
    tx.commit().await?;
    key.ok_or_else(|| not_found("API key", id))
}
