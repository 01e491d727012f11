//! All SQL of `recurring_revenue` and `revenue_facts`.

use tollhouse_domain::{
    id::{SubscriptionId, TenantId},
    money::Currency,
    revenue::{Fact, Standing},
    subscription::Status,
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use uuid::Uuid;

use crate::db::{Conn, DbResult};

/// What a subscription comes to in a month. Amounts are minor units.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Revenue {
    pub subscription_id: SubscriptionId,
    pub tenant_id: TenantId,
    pub plan_code: String,
    pub tier: String,
    pub status: Status,
    pub currency: Currency,
    /// Zero while it does not count.
    pub mrr: i64,
    /// The first moment of the day of its next renewal; none where it does not renew.
    pub renews_on: Option<Timestamp>,
    /// What is to be paid then, before tax.
    pub renewal_amount: i64,
}

impl Revenue {
    /// The part that the rules look at.
    pub fn standing(&self) -> Standing<'_> {
        Standing { plan: &self.plan_code, mrr: self.mrr }
    }
}

/// One change of revenue. Amounts are minor units.
#[derive(Clone, Debug, Record)]
pub struct FactRow {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub fact: Fact,
    pub plan_code: String,
    pub currency: Currency,
    pub amount: i64,
    pub tenants: i64,
    pub subscriptions: i64,
    pub occurred_at: Timestamp,
    pub day: Timestamp,
    pub month: Timestamp,
    /// Of movements of MRR: the month in which the tenant first paid in this currency.
    pub cohort: Option<Timestamp>,
}

pub async fn find(conn: &mut Conn, id: SubscriptionId) -> DbResult<Option<Revenue>> {
    sql!(conn, "SELECT * FROM recurring_revenue WHERE subscription_id = {id}").optional().await
}

pub async fn put(conn: &mut Conn, row: &Revenue) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO recurring_revenue (subscription_id, tenant_id, plan_code, tier, status, currency, mrr,
             renews_on, renewal_amount)
         VALUES ({row.subscription_id}, {row.tenant_id}, {row.plan_code}, {row.tier}, {row.status},
             {row.currency}, {row.mrr}, {row.renews_on}, {row.renewal_amount})
         ON CONFLICT (subscription_id) DO UPDATE SET plan_code = excluded.plan_code, tier = excluded.tier,
             status = excluded.status, currency = excluded.currency, mrr = excluded.mrr,
             renews_on = excluded.renews_on, renewal_amount = excluded.renewal_amount"
    )
    .execute()
    .await?;
    Ok(())
}

/// What the other subscriptions of a tenant come to in one currency.
pub async fn sum_others(
    conn: &mut Conn,
    tenant: TenantId,
    currency: Currency,
    but: SubscriptionId,
) -> DbResult<i64> {
    let sum: Sum = sql!(
        conn,
        "SELECT CAST(COALESCE(SUM(mrr), 0) AS bigint) AS sum FROM recurring_revenue
         WHERE tenant_id = {tenant} AND currency = {currency} AND subscription_id <> {but}"
    )
    .one()
    .await?;
    Ok(sum.sum)
}

#[derive(Record)]
struct Sum {
    sum: i64,
}

/// What is known of a tenant's payments in one currency.
#[derive(Clone, Copy, Debug, Default, Record)]
pub struct Known {
    /// When it first paid.
    pub first: Option<Timestamp>,
    /// When that last changed.
    pub last: Option<Timestamp>,
}

pub async fn known(conn: &mut Conn, tenant: TenantId, currency: Currency) -> DbResult<Known> {
    sql!(
        conn,
        "SELECT MIN(CASE WHEN fact = 'new' THEN occurred_at END) AS first, MAX(occurred_at) AS last
         FROM revenue_facts
         WHERE tenant_id = {tenant} AND currency = {currency} AND cohort IS NOT NULL"
    )
    .one()
    .await
}

/// Adds facts; they are counted later.
pub async fn insert(conn: &mut Conn, facts: &[FactRow]) -> DbResult<()> {
    if facts.is_empty() {
        return Ok(());
    }
    conn.query(
        "INSERT INTO revenue_facts (id, tenant_id, fact, plan_code, currency, amount, tenants, subscriptions,
             occurred_at, day, month, cohort, counted)",
    )
    .values(facts, |row, fact| {
        row.column(&fact.id)
            .column(&fact.tenant_id)
            .column(&fact.fact)
            .column(&fact.plan_code)
            .column(&fact.currency)
            .column(&fact.amount)
            .column(&fact.tenants)
            .column(&fact.subscriptions)
            .column(&fact.occurred_at)
            .column(&fact.day)
            .column(&fact.month)
            .column(&fact.cohort)
            .column(&false)
    })
    .execute()
    .await?;
    Ok(())
}

/// Facts that no day has yet.
pub async fn list_uncounted(conn: &mut Conn, limit: i64) -> DbResult<Vec<FactRow>> {
    sql!(conn, "SELECT * FROM revenue_facts WHERE NOT counted ORDER BY id LIMIT {limit}")
        .all()
        .await
}

pub async fn mark_counted(conn: &mut Conn, ids: &[Uuid]) -> DbResult<()> {
    conn.query("UPDATE revenue_facts SET counted = TRUE WHERE id IN ").list(ids).execute().await?;
    Ok(())
}

/// What is to be paid on one day, in one currency and plan.
#[derive(Clone, Debug, Record)]
pub struct RenewalDay {
    pub currency: Currency,
    pub day: Timestamp,
    pub renewals: i64,
    pub amount: i64,
}

/// What renews from one day on and before another, in the order of time.
pub async fn list_renewals(
    conn: &mut Conn,
    (from, to): (Timestamp, Timestamp),
    currency: Option<Currency>,
    plan: Option<&str>,
) -> DbResult<Vec<RenewalDay>> {
    conn.query(
        "SELECT currency, renews_on AS day, COUNT(*) AS renewals,
             CAST(SUM(renewal_amount) AS bigint) AS amount
         FROM recurring_revenue WHERE renews_on IS NOT NULL",
    )
    .filter(" AND renews_on >= ?", Some(from))
    .filter(" AND renews_on < ?", Some(to))
    .filter(" AND currency = ?", currency)
    .filter(" AND plan_code = ?", plan)
    .push(" GROUP BY currency, renews_on ORDER BY currency, renews_on")
    .all()
    .await
}
