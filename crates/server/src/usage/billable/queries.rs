//! All SQL of `usage_billable`.

use tollhouse_domain::{id::TenantId, time::Timestamp, usage::Quantity};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, portions};

/// A meter of a tenant in one billable hour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour {
    pub tenant_id: TenantId,
    pub meter: String,
    pub starts_at: Timestamp,
}

/// What is added to a billable hour.
#[derive(Clone, Debug)]
pub struct Addition {
    pub hour: Hour,
    /// Of a meter that adds up; zero of the others.
    pub quantity: Quantity,
    /// The billing period that it counts in.
    pub period_start: Timestamp,
}

/// A billable hour, and what of it was put into meter events.
#[derive(Clone, Debug, Record)]
pub struct Billable {
    pub tenant_id: TenantId,
    pub meter: String,
    pub starts_at: Timestamp,
    whole: i64,
    trillionths: i64,
    exported_whole: i64,
    exported_trillionths: i64,
    pub period_start: Timestamp,
}

impl Billable {
    /// What was counted, of a meter that adds up.
    pub fn quantity(&self) -> Quantity {
        Quantity::from_parts(self.whole, self.trillionths)
    }

    /// What of it was put into meter events.
    pub fn exported(&self) -> Quantity {
        Quantity::from_parts(self.exported_whole, self.exported_trillionths)
    }
}

/// How much is still to be told.
#[derive(Clone, Copy, Debug, Record)]
pub struct Backlog {
    /// Hours that are to be told now or soon.
    pub due: i64,
    /// Hours whose tenant has no customer yet.
    pub waiting: i64,
}

/// Rows of one statement.
const ROWS_MAX: usize = 1024;

/// Adds to each hour, which is then to be told at `due_at` or as soon as it was before. The order of the rows
/// is the order of their locks.
pub async fn add(conn: &mut Conn, additions: &[Addition], due_at: Timestamp) -> DbResult<()> {
    for portion in portions(additions, ROWS_MAX) {
        conn.query(
            "INSERT INTO usage_billable (tenant_id, meter, starts_at, whole, trillionths, exported_whole,
                 exported_trillionths, period_start, due_at, waiting)",
        )
        .values(portion, |row, addition| {
            let (whole, trillionths) = addition.quantity.parts().unwrap_or((i64::MAX, 0));
            row.column(&addition.hour.tenant_id)
                .column(&addition.hour.meter)
                .column(&addition.hour.starts_at)
                .column(&whole)
                .column(&trillionths)
                .column(&0)
                .column(&0)
                .column(&addition.period_start)
                .column(&due_at)
                .column(&false)
        })
        .push(
            " ON CONFLICT (tenant_id, meter, starts_at) DO UPDATE SET
              whole = usage_billable.whole + excluded.whole
                  + (usage_billable.trillionths + excluded.trillionths) / 1000000000000,
              trillionths = (usage_billable.trillionths + excluded.trillionths) % 1000000000000,
              due_at = CASE WHEN NOT usage_billable.waiting
                  THEN COALESCE(usage_billable.due_at, excluded.due_at) END",
        )
        .execute()
        .await?;
    }
    Ok(())
}

/// Hours that are to be told now, the longest waiting first; nobody else takes or changes them before the end of
/// the transaction.
pub async fn take_due(conn: &mut Conn, now: Timestamp, limit: i64) -> DbResult<Vec<Billable>> {
    let skip_locked = conn.skip_locked();
    conn.query("SELECT * FROM usage_billable WHERE due_at IS NOT NULL")
        .filter(" AND due_at <= ?", Some(now))
        .filter(" ORDER BY due_at, tenant_id, meter, starts_at LIMIT ?", Some(limit))
        .push(skip_locked)
        .all()
        .await
}

/// What was counted so far is in meter events now.
pub async fn mark_exported(conn: &mut Conn, hour: &Billable) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE usage_billable SET exported_whole = {hour.whole},
             exported_trillionths = {hour.trillionths}, due_at = NULL
         WHERE tenant_id = {hour.tenant_id} AND meter = {hour.meter} AND starts_at = {hour.starts_at}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Its tenant has no customer: nothing is to be done before [`wake`].
pub async fn let_wait(conn: &mut Conn, hour: &Billable) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE usage_billable SET due_at = NULL, waiting = TRUE
         WHERE tenant_id = {hour.tenant_id} AND meter = {hour.meter} AND starts_at = {hour.starts_at}"
    )
    .execute()
    .await?;
    Ok(())
}

/// The tenant has a customer now. In the transaction that links it; hours that are due are named too, so that
/// whoever lets one of them wait at this moment is waited for.
pub async fn wake(conn: &mut Conn, tenant: TenantId, now: Timestamp) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE usage_billable SET due_at = {now}, waiting = FALSE
         WHERE tenant_id = {tenant} AND (waiting OR due_at IS NOT NULL)"
    )
    .execute()
    .await?;
    Ok(())
}

/// A meter's hours that begin from `from` until before `to`, oldest first, `limit` rows at most.
pub async fn list(
    conn: &mut Conn,
    (tenant, meter): (TenantId, &str),
    (from, to): (Timestamp, Timestamp),
    limit: i64,
) -> DbResult<Vec<Billable>> {
    sql!(
        conn,
        "SELECT * FROM usage_billable
         WHERE tenant_id = {tenant} AND meter = {meter} AND starts_at >= {from} AND starts_at < {to}
         ORDER BY starts_at LIMIT {limit}"
    )
    .all()
    .await
}

#[derive(Record)]
struct First {
    due_at: Option<Timestamp>,
}

/// When the first billable hour is due, or was.
pub async fn first_due_at(conn: &mut Conn) -> DbResult<Option<Timestamp>> {
    let first: First =
        sql!(conn, "SELECT MIN(due_at) AS due_at FROM usage_billable WHERE due_at IS NOT NULL")
            .one()
            .await?;
    Ok(first.due_at)
}

pub async fn backlog(conn: &mut Conn) -> DbResult<Backlog> {
    sql!(
        conn,
        "SELECT (SELECT COUNT(*) FROM usage_billable WHERE due_at IS NOT NULL) AS due,
             (SELECT COUNT(*) FROM usage_billable WHERE waiting) AS waiting"
    )
    .one()
    .await
}
