//! All SQL of `subscriptions`.

use tollhouse_domain::{
    addon::Course,
    id::{SubscriptionId, TenantId},
    money::{Currency, Money},
    period::Period,
    plan::PlanKind,
    subscription::{PendingChange, State, Status},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::{CustomerId, ScheduleId, SubscriptionId as StripeSubscriptionId};

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
    pub stripe_schedule_id: Option<ScheduleId>,
    /// A `domain::PendingChange`, where one waits.
    pub pending: Option<Json>,
    /// The base subscription of an add-on.
    pub parent_id: Option<SubscriptionId>,
    /// Until when what it is charged to is good; none where there is nothing.
    pub payment_good_until: Option<Timestamp>,
    /// How often this row was written.
    pub version: i64,
    pub stripe_object: Json,
    pub updated_at: Timestamp,
}

impl Subscription {
    /// The part that the rules look at.
    ///
    /// # Errors
    /// Where the pending change was not written by this program.
    pub fn state(&self) -> serde_json::Result<State> {
        Ok(State {
            status: self.status,
            plan: self.plan_code.clone(),
            plan_version: u32::try_from(self.plan_version).unwrap_or(u32::MAX),
            price_lookup_key: self.price_lookup_key.clone(),
            quantity: u64::try_from(self.quantity).unwrap_or(0),
            period: Period { start: self.period_start, end: self.period_end },
            trial_end: self.trial_end,
            cancel_at: self.cancel_at,
            pending: self.pending()?,
        })
    }

    /// The change that waits for the end of the period.
    ///
    /// # Errors
    /// Where it was not written by this program.
    pub fn pending(&self) -> serde_json::Result<Option<PendingChange>> {
        self.pending.as_ref().map(Json::to).transpose()
    }

    /// The part that decides whether an add-on follows its base.
    pub fn course(&self) -> Course {
        Course {
            status: self.status,
            started_at: self.started_at,
            period_end: self.period_end,
            cancel_at: self.cancel_at,
            ended_at: self.ended_at,
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

/// As we show it; nothing is locked.
pub async fn find_shown(
    conn: &mut Conn,
    id: &StripeSubscriptionId,
) -> DbResult<Option<Subscription>> {
    sql!(conn, "SELECT * FROM subscriptions WHERE stripe_subscription_id = {id}").optional().await
}

/// The one that a schedule manages.
pub async fn find_by_schedule(conn: &mut Conn, id: &ScheduleId) -> DbResult<Option<Subscription>> {
    sql!(conn, "SELECT * FROM subscriptions WHERE stripe_schedule_id = {id}").optional().await
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

/// How many stand so.
#[derive(Clone, Copy, Debug, Record)]
pub struct StatusCount {
    pub status: Status,
    pub subscriptions: i64,
}

/// How many base subscriptions stand where.
pub async fn count_by_status(conn: &mut Conn) -> DbResult<Vec<StatusCount>> {
    sql!(
        conn,
        "SELECT status, COUNT(*) AS subscriptions FROM subscriptions
         WHERE kind = 'base' GROUP BY status ORDER BY status"
    )
    .all()
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

/// The billing period of a tenant, as its base subscription has it.
#[derive(Clone, Copy, Debug, Record)]
pub struct BillingPeriod {
    pub tenant_id: TenantId,
    /// When the subscription began.
    pub started_at: Timestamp,
    period_start: Timestamp,
    period_end: Timestamp,
}

impl BillingPeriod {
    pub fn period(&self) -> Period {
        Period { start: self.period_start, end: self.period_end }
    }
}

/// The billing periods of those of these tenants that have a base subscription; of two, the newer one's is
/// the last.
pub async fn list_billing_periods(
    conn: &mut Conn,
    tenants: &[TenantId],
) -> DbResult<Vec<BillingPeriod>> {
    conn.query("SELECT tenant_id, started_at, period_start, period_end FROM subscriptions WHERE tenant_id IN ")
        .list(tenants)
        .push(
            " AND kind = 'base' AND status NOT IN ('canceled', 'incomplete_expired')
              ORDER BY started_at, id",
        )
        .all()
        .await
}

/// An item of a subscription, and whose it is.
#[derive(Clone, Debug, Record)]
pub struct Item {
    pub tenant_id: TenantId,
    /// What its price counts; none where it is paid in advance.
    pub meter: Option<String>,
}

pub async fn find_item(conn: &mut Conn, stripe_item_id: &str) -> DbResult<Option<Item>> {
    sql!(
        conn,
        "SELECT subscriptions.tenant_id, subscription_items.meter FROM subscription_items
         JOIN subscriptions ON subscriptions.id = subscription_items.subscription_id
         WHERE stripe_item_id = {stripe_item_id}"
    )
    .optional()
    .await
}

/// Writes the items that a subscription has now: Stripe's id of each, and what its price counts.
pub async fn put_items(
    conn: &mut Conn,
    subscription: SubscriptionId,
    items: &[(String, Option<String>)],
) -> DbResult<()> {
    sql!(conn, "DELETE FROM subscription_items WHERE subscription_id = {subscription}")
        .execute()
        .await?;
    conn.query("INSERT INTO subscription_items (stripe_item_id, subscription_id, meter)")
        .values(items, |row, (id, meter)| row.column(id).column(&subscription).column(meter))
        .execute()
        .await?;
    Ok(())
}

/// What these tenants have as their base, a hundred tenants at most; more than one of a tenant's, should
/// Stripe have two.
pub async fn list_live_bases(conn: &mut Conn, tenants: &[TenantId]) -> DbResult<Vec<Subscription>> {
    conn.query(
        "SELECT * FROM subscriptions
         WHERE kind = 'base' AND status NOT IN ('canceled', 'incomplete_expired') AND tenant_id IN ",
    )
    .list(tenants)
    .push(" ORDER BY started_at DESC, id DESC LIMIT 500")
    .all()
    .await
}

/// Those of these customers that have a subscription which is charged to the customer's card, not to its own.
pub async fn list_charged_customers(
    conn: &mut Conn,
    customers: &[CustomerId],
) -> DbResult<Vec<CustomerId>> {
    let rows: Vec<Charged> = conn
        .query(
            "SELECT DISTINCT stripe_customer_id FROM subscriptions
             JOIN tenants ON tenants.id = subscriptions.tenant_id
             WHERE subscriptions.status NOT IN ('canceled', 'incomplete_expired')
                 AND stripe_object ->> 'default_payment_method' IS NULL AND stripe_customer_id IN ",
        )
        .list(customers)
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| row.stripe_customer_id).collect())
}

#[derive(Record)]
struct Charged {
    stripe_customer_id: CustomerId,
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

/// The add-ons of a tenant that are not over, oldest first; Stripe allows 500 to one customer.
pub async fn list_live_addons(conn: &mut Conn, tenant: TenantId) -> DbResult<Vec<Subscription>> {
    sql!(
        conn,
        "SELECT * FROM subscriptions
         WHERE tenant_id = {tenant} AND kind = 'addon' AND status NOT IN ('canceled', 'incomplete_expired')
         ORDER BY started_at, id LIMIT 500"
    )
    .all()
    .await
}

/// `false` where somebody inserted it meanwhile.
pub async fn insert(conn: &mut Conn, row: &Subscription) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO subscriptions (id, tenant_id, stripe_subscription_id, kind, price_lookup_key,
             plan_code, plan_version, status, quantity, amount, currency, period_start, period_end,
             trial_end, cancel_at, cancel_at_period_end, canceled_at, ended_at, grace_started_at,
             started_at, stripe_schedule_id, pending, parent_id, payment_good_until, version, stripe_object,
             updated_at)
         VALUES ({row.id}, {row.tenant_id}, {row.stripe_subscription_id}, {row.kind},
             {row.price_lookup_key}, {row.plan_code}, {row.plan_version}, {row.status}, {row.quantity},
             {row.amount}, {row.currency}, {row.period_start}, {row.period_end}, {row.trial_end},
             {row.cancel_at}, {row.cancel_at_period_end}, {row.canceled_at}, {row.ended_at},
             {row.grace_started_at}, {row.started_at}, {row.stripe_schedule_id}, {row.pending},
             {row.parent_id}, {row.payment_good_until}, {row.version}, {row.stripe_object},
             {row.updated_at})
         ON CONFLICT (stripe_subscription_id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

/// Writes what Stripe has now over what it had.
pub async fn update(conn: &mut Conn, row: &Subscription) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE subscriptions SET
             kind = {row.kind}, price_lookup_key = {row.price_lookup_key},
             plan_code = {row.plan_code}, plan_version = {row.plan_version},
             status = {row.status}, quantity = {row.quantity}, amount = {row.amount},
             currency = {row.currency}, period_start = {row.period_start},
             period_end = {row.period_end}, trial_end = {row.trial_end},
             cancel_at = {row.cancel_at}, cancel_at_period_end = {row.cancel_at_period_end},
             canceled_at = {row.canceled_at}, ended_at = {row.ended_at},
             grace_started_at = {row.grace_started_at},
             stripe_schedule_id = {row.stripe_schedule_id}, pending = {row.pending},
             parent_id = {row.parent_id}, payment_good_until = {row.payment_good_until},
             version = version + 1,
             stripe_object = {row.stripe_object}, updated_at = {row.updated_at}
         WHERE id = {row.id}"
    )
    .execute()
    .await?;
    Ok(())
}

#[derive(Record)]
struct Id {
    id: SubscriptionId,
}

/// Whoever's they are, in the order of their ids; those after `after`.
pub async fn list_ids(
    conn: &mut Conn,
    after: Option<SubscriptionId>,
    limit: i64,
) -> DbResult<Vec<SubscriptionId>> {
    let rows: Vec<Id> = conn
        .query("SELECT id FROM subscriptions WHERE 1 = 1")
        .filter(" AND id > ?", after)
        .filter(" ORDER BY id LIMIT ?", Some(limit))
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(Record)]
struct Version {
    version: i64,
}

/// How often the row of one of Stripe's objects was written; `None` where there is none yet.
pub async fn version(conn: &mut Conn, id: &StripeSubscriptionId) -> DbResult<Option<i64>> {
    let row: Option<Version> =
        sql!(conn, "SELECT version FROM subscriptions WHERE stripe_subscription_id = {id}")
            .optional()
            .await?;
    Ok(row.map(|row| row.version))
}

/// Our row of one of Stripe's subscriptions, and how often it was written.
#[derive(Clone, Debug, Record)]
pub struct Seen {
    pub stripe_subscription_id: StripeSubscriptionId,
    pub version: i64,
    pub period_start: Timestamp,
}

/// The rows of these; those that have none are left out.
pub async fn list_seen(conn: &mut Conn, ids: &[StripeSubscriptionId]) -> DbResult<Vec<Seen>> {
    conn.query(
        "SELECT stripe_subscription_id, version, period_start FROM subscriptions WHERE stripe_subscription_id IN ",
    )
    .list(ids)
    .all()
    .await
}

/// What is kept of Stripe's own words.
#[derive(Clone, Debug, Record)]
pub struct Stored {
    pub id: SubscriptionId,
    pub version: i64,
    pub stripe_object: Json,
}

/// A tenant's, in the order of their ids; those after `after`.
pub async fn list_objects(
    conn: &mut Conn,
    tenant: TenantId,
    after: Option<SubscriptionId>,
    limit: i64,
) -> DbResult<Vec<Stored>> {
    conn.query("SELECT id, version, stripe_object FROM subscriptions WHERE 1 = 1")
        .filter(" AND tenant_id = ?", Some(tenant))
        .filter(" AND id > ?", after)
        .filter(" ORDER BY id LIMIT ?", Some(limit))
        .all()
        .await
}

/// Puts an object without what is personal in the place of the whole, unless somebody wrote meanwhile. The
/// version is raised: a fetch that has begun is begun again.
pub async fn replace_object(conn: &mut Conn, stored: &Stored, object: &Json) -> DbResult<u64> {
    sql!(
        conn,
        "UPDATE subscriptions SET stripe_object = {object}, version = version + 1
         WHERE id = {stored.id} AND version = {stored.version}"
    )
    .execute()
    .await
}
