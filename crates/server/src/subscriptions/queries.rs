//! All SQL of `subscriptions`.

use tollhouse_domain::{
    id::{SubscriptionId, TenantId},
    money::{Currency, Money},
    period::Period,
    plan::PlanKind,
    subscription::{State, Status},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::SubscriptionId as StripeSubscriptionId;

use crate::db::{Conn, DbResult, Json};

/// Our picture of one of Stripe's subscriptions.
#[derive(Clone, Debug, Record)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub tenant_id: TenantId,
    pub stripe_subscription_id: StripeSubscriptionId,
    pub kind: PlanKind,
    pub price_lookup_key: String,
    pub plan_code: String,
    pub plan_version: i64,
    pub status: Status,
    pub quantity: i64,
    /// What one period costs, in minor units.
    pub amount: i64,
    pub currency: Currency,
    pub period_start: Timestamp,
    pub period_end: Timestamp,
    pub trial_end: Option<Timestamp>,
    /// When it will end, whichever of Stripe's two ways says so.
    pub cancel_at: Option<Timestamp>,
    pub cancel_at_period_end: bool,
    pub canceled_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub grace_started_at: Option<Timestamp>,
    pub started_at: Timestamp,
    /// Stripe's clock when this was fetched, unix seconds.
    pub fetched_at: i64,
    pub stripe_object: Json,
    pub updated_at: Timestamp,
}

impl Subscription {
    /// The part that the rules look at.
    pub fn state(&self) -> State {
        State {
            status: self.status,
            plan: self.plan_code.clone(),
            plan_version: u32::try_from(self.plan_version).unwrap_or(u32::MAX),
            quantity: u64::try_from(self.quantity).unwrap_or(0),
            period: Period { start: self.period_start, end: self.period_end },
            trial_end: self.trial_end,
            cancel_at: self.cancel_at,
        }
    }

    /// What one period costs.
    pub fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

pub async fn find(conn: &mut Conn, id: SubscriptionId) -> DbResult<Option<Subscription>> {
    sql!(conn, "SELECT * FROM subscriptions WHERE id = {id}").optional().await
}

/// Locks the row until the end of the transaction.
pub async fn find_by_stripe_id(
    conn: &mut Conn,
    id: &StripeSubscriptionId,
) -> DbResult<Option<Subscription>> {
    let for_update = conn.for_update();
    conn.query("SELECT * FROM subscriptions WHERE 1 = 1")
        .filter(" AND stripe_subscription_id = ?", Some(id))
        .push(for_update)
        .optional()
        .await
}

/// The base subscription that is not over; the newest, should Stripe have two.
pub async fn find_live_base(conn: &mut Conn, tenant: TenantId) -> DbResult<Option<Subscription>> {
    sql!(
        conn,
        "SELECT * FROM subscriptions
         WHERE tenant_id = {tenant} AND kind = 'base' AND status NOT IN ('canceled', 'incomplete_expired')
         ORDER BY started_at DESC, id DESC LIMIT 1"
    )
    .optional()
    .await
}

/// Whether any subscription of the tenant ever had a trial.
pub async fn has_had_trial(conn: &mut Conn, tenant: TenantId) -> DbResult<bool> {
    let count: Trials = sql!(
        conn,
        "SELECT COUNT(*) AS trials FROM subscriptions
         WHERE tenant_id = {tenant} AND trial_end IS NOT NULL"
    )
    .one()
    .await?;
    Ok(count.trials > 0)
}

#[derive(Record)]
struct Trials {
    trials: i64,
}

/// Those that are not over, base first; Stripe allows 500 to one customer.
pub async fn list_live(conn: &mut Conn, tenant: TenantId) -> DbResult<Vec<Subscription>> {
    sql!(
        conn,
        "SELECT * FROM subscriptions
         WHERE tenant_id = {tenant} AND status NOT IN ('canceled', 'incomplete_expired')
         ORDER BY kind DESC, started_at DESC, id DESC LIMIT 500"
    )
    .all()
    .await
}

/// Writes what Stripe has now. What we decided once (our id, when grace began) is given by the caller.
pub async fn put(conn: &mut Conn, row: &Subscription) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO subscriptions (id, tenant_id, stripe_subscription_id, kind, price_lookup_key,
             plan_code, plan_version, status, quantity, amount, currency, period_start, period_end,
             trial_end, cancel_at, cancel_at_period_end, canceled_at, ended_at, grace_started_at,
             started_at, fetched_at, stripe_object, updated_at)
         VALUES ({row.id}, {row.tenant_id}, {row.stripe_subscription_id}, {row.kind},
             {row.price_lookup_key}, {row.plan_code}, {row.plan_version}, {row.status}, {row.quantity},
             {row.amount}, {row.currency}, {row.period_start}, {row.period_end}, {row.trial_end},
             {row.cancel_at}, {row.cancel_at_period_end}, {row.canceled_at}, {row.ended_at},
             {row.grace_started_at}, {row.started_at}, {row.fetched_at}, {row.stripe_object},
             {row.updated_at})
         ON CONFLICT (stripe_subscription_id) DO UPDATE SET
             kind = excluded.kind, price_lookup_key = excluded.price_lookup_key,
             plan_code = excluded.plan_code, plan_version = excluded.plan_version,
             status = excluded.status, quantity = excluded.quantity, amount = excluded.amount,
             currency = excluded.currency, period_start = excluded.period_start,
             period_end = excluded.period_end, trial_end = excluded.trial_end,
             cancel_at = excluded.cancel_at, cancel_at_period_end = excluded.cancel_at_period_end,
             canceled_at = excluded.canceled_at, ended_at = excluded.ended_at,
             grace_started_at = excluded.grace_started_at, fetched_at = excluded.fetched_at,
             stripe_object = excluded.stripe_object, updated_at = excluded.updated_at"
    )
    .execute()
    .await?;
    Ok(())
}
