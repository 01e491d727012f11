//! All SQL of `checkouts`.

use tollhouse_domain::{
    checkout::CheckoutState,
    id::{CheckoutId, TenantId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::CheckoutSessionId;

use crate::db::{Conn, DbResult};

/// One page that a tenant was, or is about to be, sent to.
#[derive(Clone, Debug, Record)]
pub struct Checkout {
    pub id: CheckoutId,
    pub tenant_id: TenantId,
    pub price_lookup_key: String,
    pub quantity: i64,
    pub state: CheckoutState,
    pub stripe_session_id: Option<CheckoutSessionId>,
    pub url: Option<String>,
    pub expires_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// `false` where the id is known, or another page is being prepared for the tenant.
pub async fn insert(conn: &mut Conn, new: &Checkout) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO checkouts (id, tenant_id, price_lookup_key, quantity, state, created_at, updated_at)
         VALUES ({new.id}, {new.tenant_id}, {new.price_lookup_key}, {new.quantity}, {new.state},
             {new.created_at}, {new.updated_at})
         ON CONFLICT DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

/// Goes on with a checkout that was interrupted; `false` where another one is being prepared.
pub async fn prepare_again(conn: &mut Conn, id: CheckoutId, now: Timestamp) -> DbResult<bool> {
    let prepared = sql!(
        conn,
        "UPDATE checkouts SET state = 'preparing', updated_at = {now}
         WHERE id = {id} AND state = 'interrupted' AND NOT EXISTS (
             SELECT 1 FROM checkouts AS other
             WHERE other.tenant_id = checkouts.tenant_id AND other.state = 'preparing')"
    )
    .execute()
    .await?;
    Ok(prepared == 1)
}

/// Says that a checkout is still being prepared; `false` where somebody gave it up meanwhile.
pub async fn hold(conn: &mut Conn, id: CheckoutId, now: Timestamp) -> DbResult<bool> {
    let held = sql!(
        conn,
        "UPDATE checkouts SET updated_at = {now} WHERE id = {id} AND state = 'preparing'"
    )
    .execute()
    .await?;
    Ok(held == 1)
}

/// Gives a checkout up for now: Stripe did not answer.
pub async fn interrupt(conn: &mut Conn, id: CheckoutId, now: Timestamp) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE checkouts SET state = 'interrupted', updated_at = {now}
         WHERE id = {id} AND state = 'preparing'"
    )
    .execute()
    .await?;
    Ok(())
}

/// Gives up what a process that died was preparing.
pub async fn interrupt_stale(
    conn: &mut Conn,
    tenant: TenantId,
    before: Timestamp,
    now: Timestamp,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE checkouts SET state = 'interrupted', updated_at = {now}
         WHERE tenant_id = {tenant} AND state = 'preparing' AND updated_at < {before}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Writes down the page Stripe made; `false` where it was written down before.
pub async fn open(
    conn: &mut Conn,
    id: CheckoutId,
    session: &CheckoutSessionId,
    url: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> DbResult<bool> {
    let opened = sql!(
        conn,
        "UPDATE checkouts SET state = 'open', stripe_session_id = {session}, url = {url},
             expires_at = {expires_at}, updated_at = {now}
         WHERE id = {id} AND state IN ('preparing', 'interrupted')"
    )
    .execute()
    .await?;
    Ok(opened == 1)
}

pub async fn find_by_session(
    conn: &mut Conn,
    session: &CheckoutSessionId,
) -> DbResult<Option<Checkout>> {
    sql!(conn, "SELECT * FROM checkouts WHERE stripe_session_id = {session}").optional().await
}

/// The pages that nobody has told us the end of, in the order of Stripe's ids; those after `after`.
pub async fn list_open(
    conn: &mut Conn,
    after: Option<&str>,
    limit: i64,
) -> DbResult<Vec<CheckoutSessionId>> {
    let rows: Vec<Session> = conn
        .query(
            "SELECT stripe_session_id FROM checkouts
             WHERE state = 'open' AND stripe_session_id IS NOT NULL",
        )
        .filter(" AND stripe_session_id > ?", after)
        .filter(" ORDER BY stripe_session_id LIMIT ?", Some(limit))
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| row.stripe_session_id).collect())
}

#[derive(Record)]
struct Session {
    stripe_session_id: CheckoutSessionId,
}

pub async fn find(conn: &mut Conn, id: CheckoutId) -> DbResult<Option<Checkout>> {
    sql!(conn, "SELECT * FROM checkouts WHERE id = {id}").optional().await
}

/// The tenant's pages that could still be paid, newest first, but for one.
pub async fn other_open(
    conn: &mut Conn,
    tenant: TenantId,
    but: Option<CheckoutId>,
) -> DbResult<Vec<Checkout>> {
    conn.query("SELECT * FROM checkouts WHERE state = 'open'")
        .filter(" AND tenant_id = ?", Some(tenant))
        .filter(" AND id <> ?", but)
        .push(" ORDER BY id DESC LIMIT 100")
        .all()
        .await
}

/// Ends a checkout; `false` where it was over before.
pub async fn end(
    conn: &mut Conn,
    id: CheckoutId,
    state: CheckoutState,
    now: Timestamp,
) -> DbResult<bool> {
    let ended = sql!(
        conn,
        "UPDATE checkouts SET state = {state}, updated_at = {now}
         WHERE id = {id} AND state IN ('preparing', 'interrupted', 'open')"
    )
    .execute()
    .await?;
    Ok(ended == 1)
}
