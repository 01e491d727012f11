//! All SQL of `webhook_endpoints`.

use tollhouse_domain::{
    id::{TenantId, WebhookEndpointId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use uuid::Uuid;

use super::signature::SigningSecret;
use crate::db::{Conn, DbResult, Json};

/// A URL of the application that events are posted to.
#[derive(Clone, Debug, Record)]
pub struct Endpoint {
    pub id: WebhookEndpointId,
    pub url: String,
    pub description: String,
    /// A list of patterns.
    pub enabled_events: Json,
    /// The only tenant whose events it is told of.
    pub tenant_id: Option<TenantId>,
    pub secret: SigningSecret,
    /// The request that made the secret: its repetition makes no other.
    pub secret_id: Uuid,
    /// Signs too, until then.
    pub previous_secret: Option<SigningSecret>,
    pub previous_secret_until: Option<Timestamp>,
    pub enabled: bool,
    pub disabled_at: Option<Timestamp>,
    pub disabled_reason: Option<String>,
    /// Since when every attempt failed.
    pub failing_since: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// `false` where there is one of this id.
pub async fn insert_endpoint(conn: &mut Conn, row: &Endpoint) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO webhook_endpoints (id, url, description, enabled_events, tenant_id, secret, secret_id,
             enabled, created_at, updated_at)
         VALUES ({row.id}, {row.url}, {row.description}, {row.enabled_events}, {row.tenant_id}, {row.secret},
             {row.secret_id}, {row.enabled}, {row.created_at}, {row.updated_at})
         ON CONFLICT (id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn find_endpoint(conn: &mut Conn, id: WebhookEndpointId) -> DbResult<Option<Endpoint>> {
    sql!(conn, "SELECT * FROM webhook_endpoints WHERE id = {id}").optional().await
}

/// As [`find_endpoint`]; nobody else changes it until the end of the transaction.
pub async fn lock_endpoint(conn: &mut Conn, id: WebhookEndpointId) -> DbResult<Option<Endpoint>> {
    let for_update = conn.for_update();
    conn.query("SELECT * FROM webhook_endpoints WHERE 1 = 1")
        .filter(" AND id = ?", Some(id))
        .push(for_update)
        .optional()
        .await
}

/// Newest first, one more than `limit` when there are more.
pub async fn list_endpoints(
    conn: &mut Conn,
    before: Option<WebhookEndpointId>,
    limit: i64,
) -> DbResult<Vec<Endpoint>> {
    conn.query("SELECT * FROM webhook_endpoints WHERE 1 = 1")
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// Whom an endpoint listens to.
#[derive(Clone, Copy, Debug, Record)]
pub struct Audience {
    pub id: WebhookEndpointId,
    /// One tenant, or all.
    pub tenant_id: Option<TenantId>,
}

/// Every endpoint, enabled or not; there are few.
pub async fn list_audiences(conn: &mut Conn) -> DbResult<Vec<Audience>> {
    sql!(conn, "SELECT id, tenant_id FROM webhook_endpoints ORDER BY id").all().await
}

#[derive(Record)]
struct Count {
    endpoints: i64,
}

pub async fn count_endpoints(conn: &mut Conn) -> DbResult<i64> {
    let count: Count =
        sql!(conn, "SELECT COUNT(*) AS endpoints FROM webhook_endpoints").one().await?;
    Ok(count.endpoints)
}

/// Endpoints by whether they are told of events.
#[derive(Clone, Copy, Debug, Record)]
pub struct Standing {
    pub enabled: i64,
    pub disabled: i64,
}

pub async fn count_standing(conn: &mut Conn) -> DbResult<Standing> {
    sql!(
        conn,
        "SELECT COUNT(*) FILTER (WHERE enabled) AS enabled, COUNT(*) FILTER (WHERE NOT enabled) AS disabled
         FROM webhook_endpoints"
    )
    .one()
    .await
}

pub async fn update_endpoint(conn: &mut Conn, row: &Endpoint) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE webhook_endpoints SET url = {row.url}, description = {row.description},
             enabled_events = {row.enabled_events}, secret = {row.secret}, secret_id = {row.secret_id},
             previous_secret = {row.previous_secret}, previous_secret_until = {row.previous_secret_until},
             enabled = {row.enabled}, disabled_at = {row.disabled_at},
             disabled_reason = {row.disabled_reason}, failing_since = {row.failing_since},
             updated_at = {row.updated_at}
         WHERE id = {row.id}"
    )
    .execute()
    .await?;
    Ok(())
}

/// An attempt succeeded: whatever was wrong before is over.
pub async fn end_failing(conn: &mut Conn, id: WebhookEndpointId) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE webhook_endpoints SET failing_since = NULL WHERE id = {id} AND failing_since IS NOT NULL"
    )
    .execute()
    .await?;
    Ok(())
}

pub async fn delete_endpoint(conn: &mut Conn, id: WebhookEndpointId) -> DbResult<()> {
    sql!(conn, "DELETE FROM webhook_endpoints WHERE id = {id}").execute().await?;
    Ok(())
}

#[derive(Record)]
struct Id {
    id: WebhookEndpointId,
}

/// The enabled endpoints with something to send now.
pub async fn endpoints_with_work(
    conn: &mut Conn,
    now: Timestamp,
) -> DbResult<Vec<WebhookEndpointId>> {
    let found: Vec<Id> = sql!(
        conn,
        "SELECT id FROM webhook_endpoints WHERE enabled AND EXISTS (
             SELECT 1 FROM outbound_lanes WHERE endpoint_id = webhook_endpoints.id AND due_at <= {now}
                 AND (claimed_until IS NULL OR claimed_until <= {now}))"
    )
    .all()
    .await?;
    Ok(found.into_iter().map(|row| row.id).collect())
}
