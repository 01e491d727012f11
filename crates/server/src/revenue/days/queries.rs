//! All SQL of `revenue_days`, `revenue_cohorts` and `revenue_counting`.

use tollhouse_domain::{id::SubscriptionId, money::Currency, revenue::Fact, time::Timestamp};
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult, portions};

/// Rows of one statement.
const ROWS_MAX: usize = 512;

/// The facts of one kind, of one day, plan and currency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayKey {
    pub day: Timestamp,
    pub month: Timestamp,
    pub currency: Currency,
    pub plan_code: String,
    pub fact: Fact,
}

/// What the tenants that first paid in one month moved in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CohortKey {
    pub currency: Currency,
    pub cohort: Timestamp,
    pub month: Timestamp,
}

/// What they come to; the amount in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub facts: i64,
    pub amount: i64,
    pub tenants: i64,
    pub subscriptions: i64,
}

#[derive(Record)]
struct Locked {
    looked: bool,
    looked_to: Option<SubscriptionId>,
}

/// Waits for whoever counts, and keeps others from it until the end of the transaction.
pub async fn lock(conn: &mut Conn) -> DbResult<()> {
    let for_update = conn.for_update();
    let _: Locked = conn
        .query("SELECT looked, looked_to FROM revenue_counting WHERE id = 1")
        .push(for_update)
        .one()
        .await?;
    Ok(())
}

/// How far the subscriptions were looked at that nothing was known of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    AtAll,
    /// At none, or at those up to this one.
    To(Option<SubscriptionId>),
}

pub async fn looked(conn: &mut Conn) -> DbResult<Looked> {
    let row: Locked =
        sql!(conn, "SELECT looked, looked_to FROM revenue_counting WHERE id = 1").one().await?;
    Ok(if row.looked { Looked::AtAll } else { Looked::To(row.looked_to) })
}

pub async fn set_looked(conn: &mut Conn, looked: Looked) -> DbResult<()> {
    let (all, to) = match looked {
        Looked::AtAll => (true, None),
        Looked::To(id) => (false, id),
    };
    sql!(conn, "UPDATE revenue_counting SET looked = {all}, looked_to = {to} WHERE id = 1")
        .execute()
        .await?;
    Ok(())
}

pub async fn add_to_days(conn: &mut Conn, rows: &[(DayKey, Sums)]) -> DbResult<()> {
    for portion in portions(rows, ROWS_MAX) {
        conn.query(
            "INSERT INTO revenue_days (day, month, currency, plan_code, fact, facts, amount, tenants,
                 subscriptions)",
        )
        .values(portion, |row, (key, sums)| {
            row.column(&key.day)
                .column(&key.month)
                .column(&key.currency)
                .column(&key.plan_code)
                .column(&key.fact)
                .column(&sums.facts)
                .column(&sums.amount)
                .column(&sums.tenants)
                .column(&sums.subscriptions)
        })
        .push(
            " ON CONFLICT (day, currency, plan_code, fact) DO UPDATE SET
                  facts = revenue_days.facts + excluded.facts,
                  amount = revenue_days.amount + excluded.amount,
                  tenants = revenue_days.tenants + excluded.tenants,
                  subscriptions = revenue_days.subscriptions + excluded.subscriptions",
        )
        .execute()
        .await?;
    }
    Ok(())
}

pub async fn add_to_cohorts(conn: &mut Conn, rows: &[(CohortKey, Sums)]) -> DbResult<()> {
    for portion in portions(rows, ROWS_MAX) {
        conn.query("INSERT INTO revenue_cohorts (currency, cohort, month, amount, tenants)")
            .values(portion, |row, (key, sums)| {
                row.column(&key.currency)
                    .column(&key.cohort)
                    .column(&key.month)
                    .column(&sums.amount)
                    .column(&sums.tenants)
            })
            .push(
                " ON CONFLICT (currency, cohort, month) DO UPDATE SET
                      amount = revenue_cohorts.amount + excluded.amount,
                      tenants = revenue_cohorts.tenants + excluded.tenants",
            )
            .execute()
            .await?;
    }
    Ok(())
}

/// Sums all facts up anew; the caller holds the lock.
pub async fn make_anew(conn: &mut Conn) -> DbResult<()> {
    // First what is to be counted, then the sums of exactly that: more may be added meanwhile.
    sql!(conn, "UPDATE revenue_facts SET counted = TRUE WHERE NOT counted").execute().await?;
    sql!(conn, "DELETE FROM revenue_days").execute().await?;
    sql!(conn, "DELETE FROM revenue_cohorts").execute().await?;
    sql!(
        conn,
        "INSERT INTO revenue_days (day, month, currency, plan_code, fact, facts, amount, tenants, subscriptions)
         SELECT day, month, currency, plan_code, fact, COUNT(*), CAST(SUM(amount) AS bigint),
             CAST(SUM(tenants) AS bigint), CAST(SUM(subscriptions) AS bigint)
         FROM revenue_facts WHERE counted GROUP BY day, month, currency, plan_code, fact"
    )
    .execute()
    .await?;
    sql!(
        conn,
        "INSERT INTO revenue_cohorts (currency, cohort, month, amount, tenants)
         SELECT currency, cohort, month, CAST(SUM(amount) AS bigint), CAST(SUM(tenants) AS bigint)
         FROM revenue_facts WHERE counted AND cohort IS NOT NULL GROUP BY currency, cohort, month"
    )
    .execute()
    .await?;
    Ok(())
}
