//! All SQL of `slots` and `slot_counters`.

use tollhouse_domain::{
    id::{SlotId, TenantId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult};

/// A slot that a resource holds.
#[derive(Clone, Debug, Record)]
pub struct Slot {
    pub id: SlotId,
    pub tenant_id: TenantId,
    /// The tier's code.
    pub tier: String,
    /// What the application calls the resource.
    pub resource_id: String,
    /// Who claimed it.
    pub claimed_by: String,
    pub claimed_at: Timestamp,
}

/// How many slots of a tier are held.
#[derive(Clone, Debug, Record)]
pub struct Used {
    pub tier: String,
    pub used: i64,
}

/// `false` where the resource holds a slot of the tier already. Waits for whoever claims it at the moment.
pub async fn insert(conn: &mut Conn, slot: &Slot) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO slots (id, tenant_id, tier, resource_id, claimed_by, claimed_at)
         VALUES ({slot.id}, {slot.tenant_id}, {slot.tier}, {slot.resource_id}, {slot.claimed_by},
             {slot.claimed_at})
         ON CONFLICT DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

/// Counts one more, where that is not more than `limit`. Its row stays locked until the commit: claims of
/// one tier follow each other.
pub async fn count_up(conn: &mut Conn, tenant: TenantId, tier: &str, limit: i64) -> DbResult<bool> {
    sql!(
        conn,
        "INSERT INTO slot_counters (tenant_id, tier, used) VALUES ({tenant}, {tier}, 0)
         ON CONFLICT (tenant_id, tier) DO NOTHING"
    )
    .execute()
    .await?;
    let counted = sql!(
        conn,
        "UPDATE slot_counters SET used = used + 1
         WHERE tenant_id = {tenant} AND tier = {tier} AND used < {limit}"
    )
    .execute()
    .await?;
    Ok(counted == 1)
}

/// Counts one less.
pub async fn count_down(conn: &mut Conn, tenant: TenantId, tier: &str) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE slot_counters SET used = used - 1 WHERE tenant_id = {tenant} AND tier = {tier}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Takes a slot away; `None` where the resource holds none.
pub async fn delete(
    conn: &mut Conn,
    tenant: TenantId,
    tier: &str,
    resource: &str,
) -> DbResult<Option<Slot>> {
    sql!(
        conn,
        "DELETE FROM slots WHERE tenant_id = {tenant} AND tier = {tier} AND resource_id = {resource}
         RETURNING *"
    )
    .optional()
    .await
}

pub async fn find(
    conn: &mut Conn,
    tenant: TenantId,
    tier: &str,
    resource: &str,
) -> DbResult<Option<Slot>> {
    sql!(
        conn,
        "SELECT * FROM slots
         WHERE tenant_id = {tenant} AND tier = {tier} AND resource_id = {resource}"
    )
    .optional()
    .await
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    tier: Option<&str>,
    before: Option<SlotId>,
    limit: i64,
) -> DbResult<Vec<Slot>> {
    conn.query("SELECT * FROM slots WHERE 1 = 1")
        .filter(" AND tenant_id = ?", Some(tenant))
        .filter(" AND tier = ?", tier)
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// How many slots of each tier the tenant holds; of a thousand tiers at most.
pub async fn used(conn: &mut Conn, tenant: TenantId) -> DbResult<Vec<Used>> {
    sql!(
        conn,
        "SELECT tier, used FROM slot_counters WHERE tenant_id = {tenant} AND used > 0
         ORDER BY tier LIMIT 1000"
    )
    .all()
    .await
}

/// Every slot of a tenant that is erased goes, and what was counted of them.
pub async fn remove_of(conn: &mut Conn, tenant: TenantId) -> DbResult<u64> {
    sql!(conn, "DELETE FROM slot_counters WHERE tenant_id = {tenant}").execute().await?;
    sql!(conn, "DELETE FROM slots WHERE tenant_id = {tenant}").execute().await
}

pub async fn count_of(conn: &mut Conn, tenant: TenantId) -> DbResult<u64> {
    let used: i64 = used(conn, tenant).await?.iter().map(|tier| tier.used).sum();
    Ok(u64::try_from(used).unwrap_or_default())
}
