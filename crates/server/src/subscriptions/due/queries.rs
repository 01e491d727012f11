//! The part of `subscriptions` that says what is to be looked at, and when.

use tollhouse_domain::{
    id::{SubscriptionId, TenantId},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};

use crate::{
    db::{Conn, DbResult},
    subscriptions::queries::Subscription,
};

/// Has the tenant's add-ons looked at: they may have to follow.
pub async fn mark_addons_due(conn: &mut Conn, tenant: TenantId, now: Timestamp) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE subscriptions SET follow_at = {now}, follow_attempts = 0
         WHERE tenant_id = {tenant} AND kind = 'addon' AND status NOT IN ('canceled', 'incomplete_expired')"
    )
    .execute()
    .await?;
    Ok(())
}

/// An add-on that is to be looked at.
#[derive(Clone, Debug, Record)]
pub struct Due {
    pub id: SubscriptionId,
    pub follow_at: Timestamp,
    pub follow_attempts: i64,
}

/// The add-ons that are due, the longest waiting first.
pub async fn list_due_addons(conn: &mut Conn, now: Timestamp, limit: i64) -> DbResult<Vec<Due>> {
    sql!(
        conn,
        "SELECT id, follow_at, follow_attempts FROM subscriptions
         WHERE follow_at <= {now} ORDER BY follow_at, id LIMIT {limit}"
    )
    .all()
    .await
}

/// One add-on, where it is due.
pub async fn find_due_addon(
    conn: &mut Conn,
    id: SubscriptionId,
    now: Timestamp,
) -> DbResult<Option<Due>> {
    sql!(
        conn,
        "SELECT id, follow_at, follow_attempts FROM subscriptions
         WHERE id = {id} AND follow_at <= {now}"
    )
    .optional()
    .await
}

/// Takes an add-on until `until`; `false` where another instance did, or it changed meanwhile.
pub async fn claim_addon(conn: &mut Conn, due: &Due, until: Timestamp) -> DbResult<bool> {
    let claimed = sql!(
        conn,
        "UPDATE subscriptions SET follow_at = {until}, follow_attempts = follow_attempts + 1
         WHERE id = {due.id} AND follow_at = {due.follow_at}"
    )
    .execute()
    .await?;
    Ok(claimed == 1)
}

/// Puts the next look at a claimed add-on off, or has none; unless it changed since the claim. What went
/// before is forgiven.
pub async fn settle_addon(
    conn: &mut Conn,
    id: SubscriptionId,
    claimed_until: Timestamp,
    next: Option<Timestamp>,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE subscriptions SET follow_at = {next}, follow_attempts = 0
         WHERE id = {id} AND follow_at = {claimed_until}"
    )
    .execute()
    .await?;
    Ok(())
}

/// After a failure: when to try again, or not at all until its base changes. What it has cost stays counted.
pub async fn put_off_addon(
    conn: &mut Conn,
    id: SubscriptionId,
    next: Option<Timestamp>,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE subscriptions SET follow_at = {next} WHERE id = {id} AND follow_attempts > 0"
    )
    .execute()
    .await?;
    Ok(())
}

/// Trials that end soon and of whose end nobody was reminded.
pub async fn list_ending_trials(
    conn: &mut Conn,
    until: Timestamp,
    limit: i64,
) -> DbResult<Vec<Subscription>> {
    sql!(
        conn,
        "SELECT * FROM subscriptions
         WHERE status = 'trialing' AND trial_end <= {until} AND cancel_at IS NULL
             AND reminded_of_trial_end IS DISTINCT FROM trial_end
         ORDER BY trial_end, id LIMIT {limit}"
    )
    .all()
    .await
}

/// `false` where somebody was reminded meanwhile.
pub async fn mark_reminded(conn: &mut Conn, row: &Subscription) -> DbResult<bool> {
    let marked = sql!(
        conn,
        "UPDATE subscriptions SET reminded_of_trial_end = trial_end
         WHERE id = {row.id} AND trial_end = {row.trial_end}
             AND reminded_of_trial_end IS DISTINCT FROM trial_end"
    )
    .execute()
    .await?;
    Ok(marked == 1)
}

/// Unpaid subscriptions whose grace began before `before` and whose end of grace was not told.
pub async fn list_ended_graces(
    conn: &mut Conn,
    before: Timestamp,
    limit: i64,
) -> DbResult<Vec<Subscription>> {
    sql!(
        conn,
        "SELECT * FROM subscriptions
         WHERE status = 'past_due' AND grace_started_at <= {before}
             AND told_end_of_grace IS DISTINCT FROM grace_started_at
         ORDER BY grace_started_at, id LIMIT {limit}"
    )
    .all()
    .await
}

/// `false` where it was told meanwhile.
pub async fn mark_grace_told(conn: &mut Conn, row: &Subscription) -> DbResult<bool> {
    let marked = sql!(
        conn,
        "UPDATE subscriptions SET told_end_of_grace = grace_started_at
         WHERE id = {row.id} AND grace_started_at = {row.grace_started_at}
             AND told_end_of_grace IS DISTINCT FROM grace_started_at"
    )
    .execute()
    .await?;
    Ok(marked == 1)
}
