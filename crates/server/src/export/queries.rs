//! All SQL of `meter_events`.

use tollhouse_domain::{
    id::{MeterEventId, TenantId},
    time::Timestamp,
    usage::{MeterEventState, Quantity},
};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::CustomerId;

use crate::db::{Conn, DbResult};

/// One report of ours to a meter at Stripe.
#[derive(Clone, Debug, Record)]
pub struct MeterEvent {
    pub id: MeterEventId,
    /// What Stripe knows it by.
    pub identifier: String,
    pub tenant_id: TenantId,
    /// The meter's code, and the name of its events.
    pub meter: String,
    /// The billable hour it is of.
    pub starts_at: Timestamp,
    pub stripe_customer_id: CustomerId,
    /// When Stripe is told that it was used.
    pub told_at: Timestamp,
    pub whole: i64,
    pub trillionths: i64,
    pub state: MeterEventState,
    pub attempts: i64,
    /// When it is to be sent, or sent again.
    pub due_at: Option<Timestamp>,
    /// When the claim runs out; who writes shows it, so that a claim that ran out writes nothing.
    pub claimed_until: Option<Timestamp>,
    /// Since when Stripe may have it without our knowing.
    pub asked_at: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub compared_at: Option<Timestamp>,
    /// Why it is refused, unclear, or not sent yet.
    pub reason: Option<String>,
    pub created_at: Timestamp,
}

impl MeterEvent {
    /// What is added; of a meter that does not add up, where the billing period stands.
    pub fn quantity(&self) -> Quantity {
        Quantity::from_parts(self.whole, self.trillionths)
    }
}

/// What became of an attempt.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub state: MeterEventState,
    pub due_at: Option<Timestamp>,
    pub asked_at: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub reason: Option<String>,
}

/// Which are asked for; each field narrows them down.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    pub state: Option<MeterEventState>,
    pub tenant: Option<TenantId>,
    pub meter: Option<&'a str>,
}

/// How many stand so.
#[derive(Clone, Copy, Debug, Record)]
pub struct Count {
    pub state: MeterEventState,
    pub meter_events: i64,
}

#[derive(Record)]
struct Moment {
    told_at: Option<Timestamp>,
}

pub async fn insert(conn: &mut Conn, row: &MeterEvent) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO meter_events (id, identifier, tenant_id, meter, starts_at, stripe_customer_id, told_at,
             whole, trillionths, state, attempts, due_at, created_at)
         VALUES ({row.id}, {row.identifier}, {row.tenant_id}, {row.meter}, {row.starts_at},
             {row.stripe_customer_id}, {row.told_at}, {row.whole}, {row.trillionths}, {row.state},
             {row.attempts}, {row.due_at}, {row.created_at})"
    )
    .execute()
    .await?;
    Ok(())
}

/// The latest moment that a tenant's meter was told of.
pub async fn newest_told_at(
    conn: &mut Conn,
    tenant: TenantId,
    meter: &str,
) -> DbResult<Option<Timestamp>> {
    let row: Moment = sql!(
        conn,
        "SELECT MAX(told_at) AS told_at FROM meter_events WHERE tenant_id = {tenant} AND meter = {meter}"
    )
    .one()
    .await?;
    Ok(row.told_at)
}

/// Takes those that are due, the longest waiting first, so that nobody else does until `until`. From now on
/// Stripe may have them.
pub async fn claim(
    conn: &mut Conn,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> DbResult<Vec<MeterEvent>> {
    let skip_locked = conn.skip_locked();
    conn.query("UPDATE meter_events SET attempts = attempts + 1")
        .filter(", claimed_until = ?", Some(until))
        .filter(", asked_at = COALESCE(asked_at, ?)", Some(now))
        .filter(
            " WHERE id IN (SELECT id FROM meter_events WHERE due_at IS NOT NULL AND due_at <= ?",
            Some(now),
        )
        .filter(" AND (claimed_until IS NULL OR claimed_until <= ?)", Some(now))
        .filter(" ORDER BY due_at, id LIMIT ?", Some(limit))
        .push(skip_locked)
        .push(") RETURNING *")
        .all()
        .await
}

/// Writes what became of a claimed one; `false` where the claim ran out, and somebody else has it.
pub async fn settle(conn: &mut Conn, claimed: &MeterEvent, outcome: &Outcome) -> DbResult<bool> {
    let written = sql!(
        conn,
        "UPDATE meter_events SET state = {outcome.state}, due_at = {outcome.due_at}, claimed_until = NULL,
             asked_at = {outcome.asked_at}, sent_at = {outcome.sent_at}, reason = {outcome.reason}
         WHERE id = {claimed.id} AND state = 'pending' AND claimed_until = {claimed.claimed_until}"
    )
    .execute()
    .await?;
    Ok(written == 1)
}

/// It is asked for once more, and Stripe knows nothing of the first time: that was looked up.
pub async fn ask_anew(conn: &mut Conn, claimed: &MeterEvent, now: Timestamp) -> DbResult<bool> {
    let written = sql!(
        conn,
        "UPDATE meter_events SET asked_at = {now}
         WHERE id = {claimed.id} AND state = 'pending' AND claimed_until = {claimed.claimed_until}"
    )
    .execute()
    .await?;
    Ok(written == 1)
}

/// Stripe took it and refused it afterwards; `false` where that is known.
pub async fn refuse_sent(conn: &mut Conn, id: MeterEventId, reason: &str) -> DbResult<bool> {
    let written = sql!(
        conn,
        "UPDATE meter_events SET state = 'refused', reason = {reason}, due_at = NULL, claimed_until = NULL
         WHERE id = {id} AND state <> 'refused'"
    )
    .execute()
    .await?;
    Ok(written == 1)
}

/// It will be sent under another identifier, as if it were the first time.
pub async fn begin_anew(
    conn: &mut Conn,
    id: MeterEventId,
    identifier: &str,
    now: Timestamp,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE meter_events SET state = 'pending', identifier = {identifier}, attempts = 0, due_at = {now},
             asked_at = NULL, sent_at = NULL, compared_at = NULL, reason = NULL
         WHERE id = {id}"
    )
    .execute()
    .await?;
    Ok(())
}

/// A person says that Stripe has it.
pub async fn take_as_sent(conn: &mut Conn, id: MeterEventId, now: Timestamp) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE meter_events SET state = 'sent', sent_at = {now}, compared_at = NULL, reason = NULL
         WHERE id = {id}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Locks the row until the end of the transaction.
pub async fn find_for_update(conn: &mut Conn, id: MeterEventId) -> DbResult<Option<MeterEvent>> {
    let for_update = conn.for_update();
    conn.query("SELECT * FROM meter_events WHERE 1 = 1")
        .filter(" AND id = ?", Some(id))
        .push(for_update)
        .optional()
        .await
}

pub async fn find_by_identifier(conn: &mut Conn, identifier: &str) -> DbResult<Option<MeterEvent>> {
    sql!(conn, "SELECT * FROM meter_events WHERE identifier = {identifier}").optional().await
}

/// Those of a customer's meter that are told of a moment from `from` until before `to`, in the order of the
/// moments, `limit` at most.
pub async fn list_told(
    conn: &mut Conn,
    (tenant, meter): (TenantId, &str),
    (from, to): (Timestamp, Timestamp),
    limit: i64,
) -> DbResult<Vec<MeterEvent>> {
    sql!(
        conn,
        "SELECT * FROM meter_events
         WHERE tenant_id = {tenant} AND meter = {meter} AND told_at >= {from} AND told_at < {to}
         ORDER BY told_at, id LIMIT {limit}"
    )
    .all()
    .await
}

/// Whether Stripe has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Yes,
    NotYet,
}

#[derive(Record)]
struct Sum {
    whole: i64,
    trillionths: i64,
}

/// What those of a period come to together.
pub async fn sum_told(
    conn: &mut Conn,
    (tenant, meter): (TenantId, &str),
    (from, to): (Timestamp, Timestamp),
    told: Told,
) -> DbResult<Quantity> {
    let is_sent = told == Told::Yes;
    let sum: Sum = sql!(
        conn,
        "SELECT CAST(COALESCE(SUM(whole), 0) AS BIGINT) AS whole,
             CAST(COALESCE(SUM(trillionths), 0) AS BIGINT) AS trillionths FROM meter_events
         WHERE tenant_id = {tenant} AND meter = {meter} AND told_at >= {from} AND told_at < {to}
             AND (state = 'sent') = {is_sent}"
    )
    .one()
    .await?;
    Ok(Quantity::from_parts(sum.whole, sum.trillionths))
}

/// The last that Stripe has of a period.
pub async fn find_last_sent(
    conn: &mut Conn,
    (tenant, meter): (TenantId, &str),
    (from, to): (Timestamp, Timestamp),
) -> DbResult<Option<MeterEvent>> {
    sql!(
        conn,
        "SELECT * FROM meter_events
         WHERE tenant_id = {tenant} AND meter = {meter} AND told_at >= {from} AND told_at < {to}
             AND state = 'sent'
         ORDER BY told_at DESC, id DESC LIMIT 1"
    )
    .optional()
    .await
}

/// Those of a period in the order of the moments, one more than `limit` when there are more; those after
/// `after`.
pub async fn page_told(
    conn: &mut Conn,
    (tenant, meter): (TenantId, &str),
    (from, to): (Timestamp, Timestamp),
    after: Option<MeterEventId>,
    limit: i64,
) -> DbResult<Vec<MeterEvent>> {
    conn.query("SELECT * FROM meter_events WHERE 1 = 1")
        .filter(" AND tenant_id = ?", Some(tenant))
        .filter(" AND meter = ?", Some(meter))
        .filter(" AND told_at >= ?", Some(from))
        .filter(" AND told_at < ?", Some(to))
        .filter(
            " AND (told_at, id) > (SELECT told_at, id FROM meter_events AS last WHERE last.id = ?)",
            after,
        )
        .filter(" ORDER BY told_at, id LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter<'_>,
    before: Option<MeterEventId>,
    limit: i64,
) -> DbResult<Vec<MeterEvent>> {
    conn.query("SELECT * FROM meter_events WHERE 1 = 1")
        .filter(" AND state = ?", filter.state)
        .filter(" AND tenant_id = ?", filter.tenant)
        .filter(" AND meter = ?", filter.meter)
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// Of each state in which something is left to do.
pub async fn counts_left(conn: &mut Conn) -> DbResult<Vec<Count>> {
    sql!(
        conn,
        "SELECT state, COUNT(*) AS meter_events FROM meter_events WHERE state <> 'sent'
         GROUP BY state ORDER BY state"
    )
    .all()
    .await
}

/// Meter events that wait; the counts end at a number.
#[derive(Clone, Copy, Debug, Record)]
pub struct Waiting {
    pub pending: i64,
    pub refused: i64,
    pub unclear: i64,
    /// When the first of them was to be sent.
    pub due_at: Option<Timestamp>,
}

/// Looks at no more than `most` of each kind.
pub async fn waiting(conn: &mut Conn, most: i64) -> DbResult<Waiting> {
    sql!(
        conn,
        "SELECT
             (SELECT COUNT(*) FROM (SELECT 1 FROM meter_events WHERE state = 'pending' LIMIT {most}) AS p) AS pending,
             (SELECT COUNT(*) FROM (SELECT 1 FROM meter_events WHERE state = 'refused' LIMIT {most}) AS r) AS refused,
             (SELECT COUNT(*) FROM (SELECT 1 FROM meter_events WHERE state = 'unclear' LIMIT {most}) AS u) AS unclear,
             (SELECT MIN(due_at) FROM meter_events WHERE due_at IS NOT NULL) AS due_at"
    )
    .one()
    .await
}

/// Sent ones of moments before `before` that were not compared, in the order of the moments; those after
/// `after`.
pub async fn list_uncompared(
    conn: &mut Conn,
    before: Timestamp,
    after: Option<MeterEventId>,
    limit: i64,
) -> DbResult<Vec<MeterEvent>> {
    conn.query("SELECT * FROM meter_events WHERE state = 'sent' AND compared_at IS NULL")
        .filter(" AND told_at < ?", Some(before))
        .filter(
            " AND (told_at, id) > (SELECT told_at, id FROM meter_events AS last WHERE last.id = ?)",
            after,
        )
        .filter(" ORDER BY told_at, id LIMIT ?", Some(limit))
        .all()
        .await
}

/// Stripe's meter comes to the same from `from` until before `to`.
pub async fn mark_compared(
    conn: &mut Conn,
    (tenant, meter): (TenantId, &str),
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE meter_events SET compared_at = {now}
         WHERE tenant_id = {tenant} AND meter = {meter} AND told_at >= {from} AND told_at < {to}
             AND state = 'sent'"
    )
    .execute()
    .await?;
    Ok(())
}
