//! All SQL of `usage_alerts`.

use tollhouse_domain::{
    id::{TenantId, UsageAlertId},
    plan::LimitPeriod,
    time::Timestamp,
    usage::Quantity,
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult};

/// Something to be told of when so much is used.
#[derive(Clone, Debug, Record)]
pub struct UsageAlert {
    pub id: UsageAlertId,
    pub tenant_id: TenantId,
    /// The meter's code.
    pub meter: String,
    pub per: LimitPeriod,
    /// Of the limit; else there is a quantity.
    pub percent: Option<i64>,
    pub whole: Option<i64>,
    pub trillionths: Option<i64>,
    pub created_by: String,
    pub created_at: Timestamp,
    /// The window that was looked at last.
    pub watched: Option<Timestamp>,
    /// The newest window in which it was told; of a gauge, when, until it is below again.
    pub told: Option<Timestamp>,
}

impl UsageAlert {
    pub fn quantity(&self) -> Option<Quantity> {
        Some(Quantity::from_parts(self.whole?, self.trillionths?))
    }
}

/// `false` where the id is taken.
pub async fn insert(conn: &mut Conn, alert: &UsageAlert) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO usage_alerts (id, tenant_id, meter, per, percent, whole, trillionths, created_by,
             created_at)
         VALUES ({alert.id}, {alert.tenant_id}, {alert.meter}, {alert.per}, {alert.percent}, {alert.whole},
             {alert.trillionths}, {alert.created_by}, {alert.created_at})
         ON CONFLICT (id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn delete(
    conn: &mut Conn,
    tenant: TenantId,
    id: UsageAlertId,
) -> DbResult<Option<UsageAlert>> {
    sql!(conn, "DELETE FROM usage_alerts WHERE tenant_id = {tenant} AND id = {id} RETURNING *")
        .optional()
        .await
}

/// A tenant's alerts, oldest first.
pub async fn list(conn: &mut Conn, tenant: TenantId, limit: i64) -> DbResult<Vec<UsageAlert>> {
    sql!(conn, "SELECT * FROM usage_alerts WHERE tenant_id = {tenant} ORDER BY id LIMIT {limit}")
        .all()
        .await
}

/// All tenants' alerts in the order of their ids, from one on.
pub async fn list_after(
    conn: &mut Conn,
    after: Option<UsageAlertId>,
    limit: i64,
) -> DbResult<Vec<UsageAlert>> {
    conn.query("SELECT * FROM usage_alerts WHERE 1 = 1")
        .filter(" AND id > ?", after)
        .filter(" ORDER BY id LIMIT ?", Some(limit))
        .all()
        .await
}

/// From now on another window is looked at.
pub async fn set_watched(conn: &mut Conn, id: UsageAlertId, window: Timestamp) -> DbResult<()> {
    sql!(conn, "UPDATE usage_alerts SET watched = {window} WHERE id = {id}").execute().await?;
    Ok(())
}

/// Takes it to be told of in a window; `false` where it was told there, or in a later one. Its row stays
/// locked until the commit.
pub async fn mark_told(conn: &mut Conn, id: UsageAlertId, window: Timestamp) -> DbResult<bool> {
    let marked = sql!(
        conn,
        "UPDATE usage_alerts SET told = {window}
         WHERE id = {id} AND (told IS NULL OR told < {window})"
    )
    .execute()
    .await?;
    Ok(marked == 1)
}

/// Takes a gauge to be told of; `false` where it was told and never below since.
pub async fn mark_gauge_told(conn: &mut Conn, id: UsageAlertId, now: Timestamp) -> DbResult<bool> {
    let marked =
        sql!(conn, "UPDATE usage_alerts SET told = {now} WHERE id = {id} AND told IS NULL")
            .execute()
            .await?;
    Ok(marked == 1)
}

/// A gauge is below again: the next crossing is told.
pub async fn rearm(conn: &mut Conn, id: UsageAlertId) -> DbResult<()> {
    sql!(conn, "UPDATE usage_alerts SET told = NULL WHERE id = {id}").execute().await?;
    Ok(())
}

/// A tenant in a list.
#[derive(Clone, Debug, Record)]
pub struct Named {
    pub id: TenantId,
    pub name: String,
}

/// Active tenants in the order of their ids, from one on.
pub async fn active_tenants(
    conn: &mut Conn,
    after: Option<TenantId>,
    limit: i64,
) -> DbResult<Vec<Named>> {
    conn.query("SELECT id, name FROM tenants WHERE status = 'active'")
        .filter(" AND id > ?", after)
        .filter(" ORDER BY id LIMIT ?", Some(limit))
        .all()
        .await
}
