//! All SQL of `usage_events`, `usage_rollups` and `usage_values`.

use tollhouse_domain::{
    id::{self, TenantId, UsageEventId},
    time::Timestamp,
    usage::{Quantity, Window},
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, Json, portions};

/// One report, as it is kept.
#[derive(Clone, Debug)]
pub struct UsageEvent {
    pub id: UsageEventId,
    pub tenant_id: TenantId,
    /// The meter's code.
    pub meter: String,
    pub quantity: Quantity,
    /// Of a `unique` meter: what was seen.
    pub value: Option<String>,
    pub idempotency_key: String,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    /// The billing period it counts in.
    pub period_start: Timestamp,
    pub properties: Option<Json>,
}

/// A meter of a tenant in one window: what a roll-up is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub tenant_id: TenantId,
    pub per: Window,
    pub starts_at: Timestamp,
    pub meter: String,
}

/// What is added to a roll-up.
#[derive(Clone, Debug)]
pub struct Share {
    pub cell: Cell,
    pub events: i64,
    pub quantity: Quantity,
    /// Of a gauge: the report that says it.
    pub latest: Option<(Timestamp, UsageEventId)>,
}

/// What the reports of a meter in a window come to.
#[derive(Clone, Debug, Record)]
pub struct Rollup {
    pub meter: String,
    pub starts_at: Timestamp,
    pub events: i64,
    whole: i64,
    trillionths: i64,
}

impl Rollup {
    pub fn quantity(&self) -> Quantity {
        Quantity::from_parts(self.whole, self.trillionths)
    }
}

/// The event that a key stands for.
#[derive(Clone, Debug, Record)]
pub struct Keyed {
    pub id: UsageEventId,
    pub tenant_id: TenantId,
    pub idempotency_key: String,
}

/// A report that was counted, as others are told of it.
#[derive(Clone, Debug, Record)]
pub struct Counted {
    pub id: UsageEventId,
    pub tenant_id: TenantId,
    pub meter: String,
    whole: i64,
    trillionths: i64,
    /// Of a `unique` meter: what was seen.
    pub value: Option<String>,
    pub occurred_at: Timestamp,
    pub properties: Option<Json>,
}

impl Counted {
    pub fn quantity(&self) -> Quantity {
        Quantity::from_parts(self.whole, self.trillionths)
    }
}

#[derive(Record)]
struct Inserted {
    id: UsageEventId,
}

#[derive(Record)]
struct Seen {
    tenant_id: TenantId,
    per: Window,
    starts_at: Timestamp,
    meter: String,
}

/// Rows of one statement; ten columns of them stay below what either database binds at once.
const ROWS_MAX: usize = 1024;

/// Inserts those whose key is not known, and says which they were. Waits for whoever inserts the same key
/// at the moment. The order of the rows is the order of their locks.
pub async fn insert(conn: &mut Conn, events: &[&UsageEvent]) -> DbResult<Vec<UsageEventId>> {
    let mut inserted = Vec::with_capacity(events.len());
    for portion in portions(events, ROWS_MAX) {
        let rows: Vec<Inserted> = conn
            .query(
                "INSERT INTO usage_events (id, tenant_id, meter, whole, trillionths, value, idempotency_key,
                     occurred_at, received_at, period_start, properties)",
            )
            .values(portion, |row, event| {
                let (whole, trillionths) = parts(event.quantity);
                row.column(&event.id)
                    .column(&event.tenant_id)
                    .column(&event.meter)
                    .column(&whole)
                    .column(&trillionths)
                    .column(&event.value)
                    .column(&event.idempotency_key)
                    .column(&event.occurred_at)
                    .column(&event.received_at)
                    .column(&event.period_start)
                    .column(&event.properties)
            })
            .push(" ON CONFLICT (tenant_id, idempotency_key) DO NOTHING RETURNING id")
            .all()
            .await?;
        inserted.extend(rows.into_iter().map(|row| row.id));
    }
    Ok(inserted)
}

/// The events that these keys stand for. Of two tables joined like this SQLite reads the first one first,
/// and looks each key up in the index; with `IN` it would read every event there is.
pub async fn list_by_key(conn: &mut Conn, keys: &[(TenantId, &str)]) -> DbResult<Vec<Keyed>> {
    let mut found = Vec::with_capacity(keys.len());
    for portion in portions(keys, ROWS_MAX) {
        let rows: Vec<Keyed> = conn
            .query("WITH wanted (tenant, key) AS (")
            .values(portion, |row, (tenant, key)| row.column(tenant).column(key))
            .push(
                ") SELECT id, tenant_id, idempotency_key FROM wanted CROSS JOIN usage_events
                 WHERE tenant_id = tenant AND idempotency_key = key",
            )
            .all()
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// The events with these ids, in no order. As in [`list_by_key`], each id is looked up in the index.
pub async fn list_by_id(conn: &mut Conn, ids: &[UsageEventId]) -> DbResult<Vec<Counted>> {
    let mut found = Vec::with_capacity(ids.len());
    for portion in portions(ids, ROWS_MAX) {
        let rows: Vec<Counted> = conn
            .query("WITH wanted (wanted_id) AS (")
            .values(portion, |row, id| row.column(&id.as_uuid()))
            .push(
                ") SELECT id, tenant_id, meter, whole, trillionths, value, occurred_at, properties
                 FROM wanted CROSS JOIN usage_events WHERE id = wanted_id",
            )
            .all()
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Keeps what was seen, and says, for each window in which it was new, in which.
pub async fn insert_values(conn: &mut Conn, seen: &[(&Cell, &str)]) -> DbResult<Vec<Cell>> {
    let mut fresh = Vec::new();
    for portion in portions(seen, ROWS_MAX) {
        let rows: Vec<Seen> = conn
            .query("INSERT INTO usage_values (tenant_id, per, starts_at, meter, value)")
            .values(portion, |row, (cell, value)| {
                row.column(&cell.tenant_id)
                    .column(&cell.per)
                    .column(&cell.starts_at)
                    .column(&cell.meter)
                    .column(value)
            })
            .push(" ON CONFLICT DO NOTHING RETURNING tenant_id, per, starts_at, meter")
            .all()
            .await?;
        fresh.extend(rows.into_iter().map(|row| Cell {
            tenant_id: row.tenant_id,
            per: row.per,
            starts_at: row.starts_at,
            meter: row.meter,
        }));
    }
    Ok(fresh)
}

/// Adds each share to its roll-up. The order of the rows is the order of their locks.
pub async fn add(conn: &mut Conn, shares: &[Share]) -> DbResult<()> {
    upsert(
        conn,
        shares,
        "whole = usage_rollups.whole + excluded.whole
             + (usage_rollups.trillionths + excluded.trillionths) / 1000000000000,
         trillionths = (usage_rollups.trillionths + excluded.trillionths) % 1000000000000",
    )
    .await
}

/// Raises each roll-up to its share, where that is larger.
pub async fn raise(conn: &mut Conn, shares: &[Share]) -> DbResult<()> {
    upsert(
        conn,
        shares,
        "whole = CASE WHEN (excluded.whole, excluded.trillionths)
                 > (usage_rollups.whole, usage_rollups.trillionths)
             THEN excluded.whole ELSE usage_rollups.whole END,
         trillionths = CASE WHEN (excluded.whole, excluded.trillionths)
                 > (usage_rollups.whole, usage_rollups.trillionths)
             THEN excluded.trillionths ELSE usage_rollups.trillionths END",
    )
    .await
}

/// Sets each roll-up to its share, where that is later.
pub async fn replace(conn: &mut Conn, shares: &[Share]) -> DbResult<()> {
    const LATER: &str = "CASE WHEN (excluded.latest_at, excluded.latest_id)
        > (usage_rollups.latest_at, usage_rollups.latest_id) THEN excluded.";
    let column = |name: &str| format!("{name} = {LATER}{name} ELSE usage_rollups.{name} END");
    let columns = ["whole", "trillionths", "latest_at", "latest_id"].map(column).join(", ");
    upsert(conn, shares, &columns).await
}

async fn upsert(conn: &mut Conn, shares: &[Share], columns: &str) -> DbResult<()> {
    for portion in portions(shares, ROWS_MAX) {
        conn.query(
            "INSERT INTO usage_rollups (tenant_id, per, starts_at, meter, events, whole, trillionths,
                 latest_at, latest_id)",
        )
        .values(portion, |row, share| {
            let (whole, trillionths) = parts(share.quantity);
            row.column(&share.cell.tenant_id)
                .column(&share.cell.per)
                .column(&share.cell.starts_at)
                .column(&share.cell.meter)
                .column(&share.events)
                .column(&whole)
                .column(&trillionths)
                .column(&share.latest.map(|latest| latest.0))
                .column(&share.latest.map(|latest| latest.1))
        })
        .push(
            " ON CONFLICT (tenant_id, per, starts_at, meter) DO UPDATE
              SET events = usage_rollups.events + excluded.events, ",
        )
        .push(columns)
        .execute()
        .await?;
    }
    Ok(())
}

/// As the tables keep it. What one commit adds never comes near 64 bits; where a total would go beyond
/// them, both databases refuse the statement.
fn parts(quantity: Quantity) -> (i64, i64) {
    quantity.parts().unwrap_or((i64::MAX, 0))
}

/// Every meter of a tenant in the window that begins then; of a thousand meters at most.
pub async fn window(
    conn: &mut Conn,
    tenant: TenantId,
    per: Window,
    starts_at: Timestamp,
) -> DbResult<Vec<Rollup>> {
    sql!(
        conn,
        "SELECT meter, starts_at, events, whole, trillionths FROM usage_rollups
         WHERE tenant_id = {tenant} AND per = {per} AND starts_at = {starts_at}
         ORDER BY meter LIMIT 1000"
    )
    .all()
    .await
}

/// The windows that begin from `from` until before `to`, oldest first, `limit` rows at most.
pub async fn series(
    conn: &mut Conn,
    tenant: TenantId,
    per: Window,
    (from, to): (Timestamp, Timestamp),
    meter: Option<&str>,
    limit: i64,
) -> DbResult<Vec<Rollup>> {
    conn.query("SELECT meter, starts_at, events, whole, trillionths FROM usage_rollups WHERE 1 = 1")
        .filter(" AND tenant_id = ?", Some(tenant))
        .filter(" AND per = ?", Some(per))
        .filter(" AND starts_at >= ?", Some(from))
        .filter(" AND starts_at < ?", Some(to))
        .filter(" AND meter = ?", meter)
        .filter(" ORDER BY starts_at, meter LIMIT ?", Some(limit))
        .all()
        .await
}

/// What a gauge says at present: in the newest month in which it said something.
pub async fn find_gauge(
    conn: &mut Conn,
    tenant: TenantId,
    meter: &str,
) -> DbResult<Option<Rollup>> {
    sql!(
        conn,
        "SELECT meter, starts_at, events, whole, trillionths FROM usage_rollups
         WHERE tenant_id = {tenant} AND per = 'month' AND meter = {meter}
         ORDER BY starts_at DESC LIMIT 1"
    )
    .optional()
    .await
}

/// Drops what was counted by the minute before then, and says how much.
pub async fn forget_minutes(conn: &mut Conn, before: Timestamp) -> DbResult<u64> {
    sql!(conn, "DELETE FROM usage_values WHERE per = 'minute' AND starts_at < {before}")
        .execute()
        .await?;
    sql!(conn, "DELETE FROM usage_rollups WHERE per = 'minute' AND starts_at < {before}")
        .execute()
        .await
}

/// A report that is kept, and what its tenant says of that.
#[derive(Clone, Debug, Record)]
pub struct Kept {
    pub id: UsageEventId,
    pub received_at: Timestamp,
    /// The tenant's own `tenants::Retention`.
    pub retention: Option<Json>,
}

/// Reports that were received before a moment, oldest first; those after `after`. Ids are as old as what bears
/// them: nothing younger is read.
pub async fn list_received_before(
    conn: &mut Conn,
    before: Timestamp,
    after: Option<UsageEventId>,
    limit: i64,
) -> DbResult<Vec<Kept>> {
    let milliseconds = u64::try_from(before.as_millisecond()).unwrap_or(0);
    let youngest = UsageEventId::from_uuid(id::v7(milliseconds, [0xff; 10]));
    conn.query(
        "SELECT usage_events.id, received_at, retention FROM usage_events
         JOIN tenants ON tenants.id = usage_events.tenant_id WHERE 1 = 1",
    )
    .filter(" AND received_at <= ?", Some(before))
    .filter(" AND usage_events.id <= ?", Some(youngest))
    .filter(" AND usage_events.id > ?", after)
    .filter(" ORDER BY usage_events.id LIMIT ?", Some(limit))
    .all()
    .await
}

/// Removes reports; what they came to stays.
pub async fn remove(conn: &mut Conn, ids: &[UsageEventId]) -> DbResult<u64> {
    conn.query("DELETE FROM usage_events WHERE id IN ").list(ids).execute().await
}

#[derive(Record)]
struct Count {
    rows: i64,
}

/// How many reports of a tenant are kept.
pub async fn count_of(conn: &mut Conn, tenant: TenantId) -> DbResult<u64> {
    let count: Count =
        sql!(conn, "SELECT COUNT(*) AS rows FROM usage_events WHERE tenant_id = {tenant}")
            .one()
            .await?;
    Ok(count.rows.unsigned_abs())
}

/// Removes some reports of a tenant; how many.
pub async fn remove_of(conn: &mut Conn, tenant: TenantId, limit: i64) -> DbResult<u64> {
    sql!(
        conn,
        "DELETE FROM usage_events WHERE id IN (
             SELECT id FROM usage_events WHERE tenant_id = {tenant} LIMIT {limit})"
    )
    .execute()
    .await
}

/// How many values, that were seen of a tenant, are kept.
pub async fn count_values_of(conn: &mut Conn, tenant: TenantId) -> DbResult<u64> {
    let count: Count =
        sql!(conn, "SELECT COUNT(*) AS rows FROM usage_values WHERE tenant_id = {tenant}")
            .one()
            .await?;
    Ok(count.rows.unsigned_abs())
}

/// Removes some values that were seen of a tenant; how many there were stays in the roll-ups.
pub async fn remove_values_of(conn: &mut Conn, tenant: TenantId, limit: i64) -> DbResult<u64> {
    sql!(
        conn,
        "DELETE FROM usage_values WHERE tenant_id = {tenant} AND (per, starts_at, meter, value) IN (
             SELECT per, starts_at, meter, value FROM usage_values WHERE tenant_id = {tenant} LIMIT {limit})"
    )
    .execute()
    .await
}
