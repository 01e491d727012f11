//! All SQL of `credit_grants`, `credit_readings` and `credit_accounts`.

use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    credits::{Grant, Included, Reading},
    id::{CreditGrantId, TenantId},
    period::Period,
    plan::Credits,
    time::Timestamp,
    usage::Quantity,
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, Json};

/// Grants of one tenant that are read.
const GRANTS_MAX: i64 = 10_000;
/// Readings of one tenant that are read: some a month.
const READINGS_MAX: i64 = 20_000;

/// Credits that an operator has given.
#[derive(Clone, Debug, Record)]
pub struct GrantRow {
    pub id: CreditGrantId,
    pub tenant_id: TenantId,
    pub whole: i64,
    pub trillionths: i64,
    pub reason: String,
    pub granted_by: String,
    pub granted_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl GrantRow {
    pub fn grant(&self) -> Grant {
        Grant {
            id: self.id,
            amount: Quantity::from_parts(self.whole, self.trillionths),
            granted_at: self.granted_at,
            expires_at: self.expires_at,
        }
    }
}

/// What the plans of a tenant say about credits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// Of all plans together.
    pub included: Included,
    /// What credits beyond those cost.
    pub beyond: Credits,
}

/// What was used of a billing period at a moment.
#[derive(Clone, Debug, Record)]
pub struct ReadingRow {
    pub number: i64,
    pub at: Timestamp,
    pub period_start: Timestamp,
    pub period_end: Timestamp,
    /// [`Terms`]
    pub terms: Json,
    pub whole: i64,
    pub trillionths: i64,
}

impl ReadingRow {
    /// # Errors
    /// Where the terms were not written by this program.
    pub fn reading(&self) -> serde_json::Result<Reading> {
        Ok(Reading {
            at: self.at,
            period: Period { start: self.period_start, end: self.period_end },
            included: self.terms.to::<Terms>()?.included,
            used: Quantity::from_parts(self.whole, self.trillionths),
        })
    }
}

/// `false` where the id is taken.
pub async fn insert_grant(conn: &mut Conn, grant: &GrantRow) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO credit_grants (id, tenant_id, whole, trillionths, reason, granted_by, granted_at,
             expires_at)
         VALUES ({grant.id}, {grant.tenant_id}, {grant.whole}, {grant.trillionths}, {grant.reason},
             {grant.granted_by}, {grant.granted_at}, {grant.expires_at})
         ON CONFLICT (id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn get_grant(conn: &mut Conn, id: CreditGrantId) -> DbResult<GrantRow> {
    sql!(conn, "SELECT * FROM credit_grants WHERE id = {id}").one().await
}

/// In the order of their making.
pub async fn grants(conn: &mut Conn, tenant: TenantId) -> DbResult<Vec<GrantRow>> {
    sql!(
        conn,
        "SELECT * FROM credit_grants WHERE tenant_id = {tenant} ORDER BY granted_at, id
         LIMIT {GRANTS_MAX}"
    )
    .all()
    .await
}

/// In the order of their taking.
pub async fn readings(conn: &mut Conn, tenant: TenantId) -> DbResult<Vec<ReadingRow>> {
    sql!(
        conn,
        "SELECT * FROM credit_readings WHERE tenant_id = {tenant} ORDER BY number LIMIT {READINGS_MAX}"
    )
    .all()
    .await
}

pub async fn insert_reading(
    conn: &mut Conn,
    tenant: TenantId,
    reading: &ReadingRow,
) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO credit_readings (tenant_id, number, at, period_start, period_end, terms, whole,
             trillionths)
         VALUES ({tenant}, {reading.number}, {reading.at}, {reading.period_start}, {reading.period_end},
             {reading.terms}, {reading.whole}, {reading.trillionths})"
    )
    .execute()
    .await?;
    Ok(())
}

/// Has a reading taken then, unless one is due earlier.
pub async fn mark_due(conn: &mut Conn, tenant: TenantId, at: Timestamp) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO credit_accounts (tenant_id, due_at) VALUES ({tenant}, {at})
         ON CONFLICT (tenant_id) DO UPDATE SET due_at =
             CASE WHEN excluded.due_at < credit_accounts.due_at
             THEN excluded.due_at ELSE credit_accounts.due_at END"
    )
    .execute()
    .await?;
    Ok(())
}

/// The next reading is due then, and not before.
pub async fn put_off(conn: &mut Conn, tenant: TenantId, at: Timestamp) -> DbResult<()> {
    sql!(conn, "UPDATE credit_accounts SET due_at = {at} WHERE tenant_id = {tenant}")
        .execute()
        .await?;
    Ok(())
}

#[derive(Record)]
struct Due {
    tenant_id: TenantId,
}

/// Tenants whose reading is due, the longest waiting first.
pub async fn list_due(conn: &mut Conn, now: Timestamp, limit: i64) -> DbResult<Vec<TenantId>> {
    let due: Vec<Due> = sql!(
        conn,
        "SELECT tenant_id FROM credit_accounts WHERE due_at <= {now}
         ORDER BY due_at, tenant_id LIMIT {limit}"
    )
    .all()
    .await?;
    Ok(due.into_iter().map(|row| row.tenant_id).collect())
}

/// Locks a tenant's account until the commit, where its reading is still due.
pub async fn take_if_due(conn: &mut Conn, tenant: TenantId, now: Timestamp) -> DbResult<bool> {
    let for_update = conn.for_update();
    let due: Option<Due> = conn
        .query("SELECT tenant_id FROM credit_accounts WHERE 1 = 1")
        .filter(" AND tenant_id = ?", Some(tenant))
        .filter(" AND due_at <= ?", Some(now))
        .push(for_update)
        .optional()
        .await?;
    Ok(due.is_some())
}

/// Tenants of whom no reading was ever asked for.
pub async fn list_without_account(conn: &mut Conn, limit: i64) -> DbResult<Vec<TenantId>> {
    let without: Vec<Due> = sql!(
        conn,
        "SELECT id AS tenant_id FROM tenants WHERE NOT EXISTS (
             SELECT 1 FROM credit_accounts WHERE credit_accounts.tenant_id = tenants.id)
         ORDER BY id LIMIT {limit}"
    )
    .all()
    .await?;
    Ok(without.into_iter().map(|row| row.tenant_id).collect())
}
