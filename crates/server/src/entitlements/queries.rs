//! All SQL of `reservations` and `reservation_locks`, and the two reads behind every answer.

use tollhouse_domain::{
    entitlement::ReservationState,
    id::{ReservationId, TenantId},
    period::Period,
    plan::{Aggregation, PlanKind},
    subscription::Status,
    tenant::TenantStatus,
    time::Timestamp,
    usage::{Quantity, Window},
};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, Json, portions};

/// Rows of one statement; six columns of them stay below what either database binds at once.
const ROWS_MAX: usize = 1024;

/// A tenant, and one of its subscriptions that are not over; where it has none, the free plan.
#[derive(Clone, Debug, Record)]
pub struct Holding {
    pub tenant_id: TenantId,
    pub tenant_status: TenantStatus,
    /// A `tenants::Overrides`.
    pub overrides: Option<Json>,
    /// Of the subscription, as everything up to `period_end`.
    pub kind: Option<PlanKind>,
    pub status: Option<Status>,
    pub grace_started_at: Option<Timestamp>,
    period_start: Option<Timestamp>,
    period_end: Option<Timestamp>,
    /// A `domain::Plan`; none without a subscription where the catalog has no free plan.
    pub plan: Option<Json>,
}

impl Holding {
    /// The billing period, of a subscription.
    pub fn period(&self) -> Option<Period> {
        Some(Period { start: self.period_start?, end: self.period_end? })
    }
}

/// What these tenants have: for each one its subscriptions, the base first, or one row without any.
pub async fn holdings(conn: &mut Conn, tenants: &[TenantId]) -> DbResult<Vec<Holding>> {
    conn.query(
        "SELECT tenants.id AS tenant_id, tenants.status AS tenant_status, tenants.overrides,
             subscriptions.kind, subscriptions.status, subscriptions.grace_started_at,
             subscriptions.period_start, subscriptions.period_end,
             COALESCE(sold.definition, free.definition) AS plan
         FROM tenants
         LEFT JOIN subscriptions ON subscriptions.tenant_id = tenants.id
             AND subscriptions.status NOT IN ('canceled', 'incomplete_expired')
         LEFT JOIN plans AS sold
             ON sold.code = subscriptions.plan_code AND sold.version = subscriptions.plan_version
         LEFT JOIN plans AS free ON subscriptions.id IS NULL AND free.current AND free.kind = 'base'
             AND NOT EXISTS (SELECT 1 FROM prices WHERE prices.plan_code = free.code
                 AND prices.plan_version = free.version AND prices.sold)
         WHERE tenants.id IN ",
    )
    .list(tenants)
    .push(
        " ORDER BY tenants.id, subscriptions.kind DESC, subscriptions.started_at DESC,
              subscriptions.id DESC",
    )
    .all()
    .await
}

/// Something to be read of a meter of a tenant.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub tenant_id: TenantId,
    pub meter: String,
    pub what: What,
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    /// How it adds up; nothing, where there is no such meter.
    Aggregation,
    /// What it comes to in the window that begins then.
    Used(Window, Timestamp),
    /// What it says at present: in the newest month in which it said something.
    Gauge,
    /// What is held of it.
    Held,
}

impl What {
    fn columns(self) -> (&'static str, Option<Timestamp>) {
        match self {
            Self::Aggregation => ("meter", None),
            Self::Used(window, start) => (window.as_str(), Some(start)),
            Self::Gauge => (Window::Month.as_str(), None),
            Self::Held => ("held", None),
        }
    }
}

/// What was found; `number` is the place in the list of what was wanted.
#[derive(Clone, Debug, Record)]
pub struct Found {
    pub number: i64,
    pub aggregation: Option<Aggregation>,
    whole: i64,
    trillionths: i64,
}

impl Found {
    pub fn quantity(&self) -> Quantity {
        Quantity::from_parts(self.whole, self.trillionths)
    }
}

/// Reads everything that is wanted, as it is at one moment: what moves from held to used is seen in one of
/// the two. What has nothing to say is left out. Of tables joined like this SQLite reads the first one
/// first, and looks up in the others.
pub async fn read(conn: &mut Conn, wanted: &[Wanted], now: Timestamp) -> DbResult<Vec<Found>> {
    let numbered: Vec<(i64, &Wanted)> = (0..).zip(wanted).collect();
    let mut found = Vec::with_capacity(wanted.len());
    for portion in portions(&numbered, ROWS_MAX) {
        let rows: Vec<Found> = conn
            .query("WITH wanted (number, tenant, code, what, start) AS (")
            .values(portion, |row, (number, wanted)| {
                let (what, start) = wanted.what.columns();
                row.column(number)
                    .column(&wanted.tenant_id)
                    .column(&wanted.meter)
                    .column(&what)
                    .column(&start)
            })
            .push(
                ") SELECT number, meters.definition ->> 'aggregation' AS aggregation,
                     0 AS whole, 0 AS trillionths
                 FROM wanted CROSS JOIN meters WHERE what = 'meter' AND meters.code = wanted.code
                 UNION ALL
                 SELECT number, NULL, whole, trillionths
                 FROM wanted CROSS JOIN usage_rollups
                 WHERE tenant_id = tenant AND per = what AND meter = code
                     AND starts_at = COALESCE(start, (
                         SELECT MAX(newest.starts_at) FROM usage_rollups AS newest
                         WHERE newest.tenant_id = tenant AND newest.per = what AND newest.meter = code))
                 UNION ALL
                 SELECT number, NULL,
                     CAST(SUM(whole) AS BIGINT) + CAST(SUM(trillionths) AS BIGINT) / 1000000000000,
                     CAST(SUM(trillionths) AS BIGINT) % 1000000000000
                 FROM wanted CROSS JOIN reservations
                 WHERE what = 'held' AND tenant_id = tenant AND meter = code AND state = 'held'",
            )
            .filter(" AND expires_at > ? GROUP BY number", Some(now))
            .all()
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// A quantity of a meter that is promised to somebody.
#[derive(Clone, Debug, Record)]
pub struct Reservation {
    pub id: ReservationId,
    pub tenant_id: TenantId,
    pub meter: String,
    whole: i64,
    trillionths: i64,
    pub created_by: String,
    pub created_at: Timestamp,
    /// From then on it holds nothing.
    pub expires_at: Timestamp,
    pub state: ReservationState,
    settled_whole: Option<i64>,
    settled_trillionths: Option<i64>,
    pub ended_at: Option<Timestamp>,
}

/// What is to be held, and for whom.
#[derive(Clone, Debug)]
pub struct Hold {
    pub id: ReservationId,
    pub tenant_id: TenantId,
    pub meter: String,
    pub quantity: Quantity,
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Reservation {
    /// As it is when it begins.
    pub fn of(hold: Hold) -> Self {
        let (whole, trillionths) = parts(hold.quantity);
        Self {
            id: hold.id,
            tenant_id: hold.tenant_id,
            meter: hold.meter,
            whole,
            trillionths,
            created_by: hold.created_by,
            created_at: hold.created_at,
            expires_at: hold.expires_at,
            state: ReservationState::Held,
            settled_whole: None,
            settled_trillionths: None,
            ended_at: None,
        }
    }

    pub fn quantity(&self) -> Quantity {
        Quantity::from_parts(self.whole, self.trillionths)
    }

    /// What was used of it, once it is settled.
    pub fn settled(&self) -> Option<Quantity> {
        Some(Quantity::from_parts(self.settled_whole?, self.settled_trillionths?))
    }
}

/// As the table keeps it. A request never asks for more than a trillion.
fn parts(quantity: Quantity) -> (i64, i64) {
    quantity.parts().unwrap_or((i64::MAX, 0))
}

/// Locks meters of tenants until the commit, in this order: those who reserve or settle follow each other.
pub async fn lock(conn: &mut Conn, meters: &[(TenantId, &str)]) -> DbResult<()> {
    for portion in portions(meters, ROWS_MAX) {
        conn.query("INSERT INTO reservation_locks (tenant_id, meter)")
            .values(portion, |row, (tenant, meter)| row.column(tenant).column(meter))
            .push(" ON CONFLICT (tenant_id, meter) DO UPDATE SET meter = excluded.meter")
            .execute()
            .await?;
    }
    Ok(())
}

pub async fn insert(conn: &mut Conn, reservations: &[Reservation]) -> DbResult<()> {
    for portion in portions(reservations, ROWS_MAX) {
        conn.query(
            "INSERT INTO reservations (id, tenant_id, meter, whole, trillionths, created_by, created_at,
                 expires_at, state)",
        )
        .values(portion, |row, reservation| {
            row.column(&reservation.id)
                .column(&reservation.tenant_id)
                .column(&reservation.meter)
                .column(&reservation.whole)
                .column(&reservation.trillionths)
                .column(&reservation.created_by)
                .column(&reservation.created_at)
                .column(&reservation.expires_at)
                .column(&reservation.state)
        })
        .execute()
        .await?;
    }
    Ok(())
}

/// Those of these that there are.
pub async fn list(conn: &mut Conn, ids: &[ReservationId]) -> DbResult<Vec<Reservation>> {
    conn.query("SELECT * FROM reservations WHERE id IN ").list(ids).all().await
}

/// Locks the row until the end of the transaction.
pub async fn find_to_end(
    conn: &mut Conn,
    tenant: TenantId,
    id: ReservationId,
) -> DbResult<Option<Reservation>> {
    let for_update = conn.for_update();
    conn.query("SELECT * FROM reservations WHERE 1 = 1")
        .filter(" AND id = ?", Some(id))
        .filter(" AND tenant_id = ?", Some(tenant))
        .push(for_update)
        .optional()
        .await
}

/// Settled, with what was used of it.
pub async fn settle(
    conn: &mut Conn,
    id: ReservationId,
    used: Quantity,
    now: Timestamp,
) -> DbResult<Reservation> {
    let (whole, trillionths) = parts(used);
    sql!(
        conn,
        "UPDATE reservations SET state = 'settled', settled_whole = {whole},
             settled_trillionths = {trillionths}, ended_at = {now}
         WHERE id = {id} RETURNING *"
    )
    .one()
    .await
}

/// Given back unused.
pub async fn release(conn: &mut Conn, id: ReservationId, now: Timestamp) -> DbResult<()> {
    sql!(conn, "UPDATE reservations SET state = 'released', ended_at = {now} WHERE id = {id}")
        .execute()
        .await?;
    Ok(())
}

/// Drops reservations whose time was over before then.
pub async fn forget(conn: &mut Conn, before: Timestamp) -> DbResult<u64> {
    sql!(conn, "DELETE FROM reservations WHERE expires_at < {before}").execute().await
}
