//! All SQL of `revenue_days`, `revenue_cohorts` and `revenue_counting`.

use tollhouse_domain::{
    id::SubscriptionId, money::Currency, revenue::Fact, time::Timestamp, usage::Window,
};
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

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Span {
    /// The start of a day or month.
    pub from: Timestamp,
    /// The start of a later one.
    pub to: Timestamp,
    /// A day or a month.
    pub by: Window,
    pub currency: Option<Currency>,
    /// The code of a plan.
    pub plan: Option<String>,
}

/// The facts of one kind in one day or month and currency.
#[derive(Clone, Debug, Record)]
pub struct Part {
    pub currency: Currency,
    pub starts_at: Timestamp,
    pub fact: Fact,
    facts: i64,
    amount: i64,
    tenants: i64,
    subscriptions: i64,
}

impl Part {
    pub fn sums(&self) -> Sums {
        let Self { facts, amount, tenants, subscriptions, .. } = *self;
        Sums { facts, amount, tenants, subscriptions }
    }
}

/// In the order of time.
pub async fn list(conn: &mut Conn, span: &Span) -> DbResult<Vec<Part>> {
    let select = match span.by {
        Window::Month => "SELECT currency, fact, month AS starts_at",
        _ => "SELECT currency, fact, day AS starts_at",
    };
    conn.query(select)
        .push(
            ", CAST(SUM(facts) AS bigint) AS facts, CAST(SUM(amount) AS bigint) AS amount,
               CAST(SUM(tenants) AS bigint) AS tenants, CAST(SUM(subscriptions) AS bigint) AS subscriptions
             FROM revenue_days WHERE 1 = 1",
        )
        .filter(" AND day >= ?", Some(span.from))
        .filter(" AND day < ?", Some(span.to))
        .filter(" AND currency = ?", span.currency)
        .filter(" AND plan_code = ?", span.plan.as_deref())
        .push(" GROUP BY currency, starts_at, fact ORDER BY currency, starts_at, fact")
        .all()
        .await
}

/// What there is of MRR at one moment, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    pub mrr: i64,
    pub tenants: i64,
    pub subscriptions: i64,
}

impl Level {
    #[must_use]
    pub fn plus(self, sums: Sums) -> Self {
        Self {
            mrr: self.mrr + sums.amount,
            tenants: self.tenants + sums.tenants,
            subscriptions: self.subscriptions + sums.subscriptions,
        }
    }
}

/// The same of one currency, and of one plan where that is asked for.
#[derive(Clone, Debug, Record)]
pub struct Opening {
    pub currency: Currency,
    pub plan_code: String,
    mrr: i64,
    tenants: i64,
    subscriptions: i64,
}

impl Opening {
    pub fn level(&self) -> Level {
        let Self { mrr, tenants, subscriptions, .. } = *self;
        Level { mrr, tenants, subscriptions }
    }
}

const LEVELS: &str = "CAST(SUM(amount) AS bigint) AS mrr, CAST(SUM(tenants) AS bigint) AS tenants,
        CAST(SUM(subscriptions) AS bigint) AS subscriptions
    FROM revenue_days
    WHERE fact IN ('new', 'expansion', 'contraction', 'churn', 'reactivation', 'transfer')";

/// What there was before a day, by currency.
pub async fn level_before(conn: &mut Conn, span: &Span, day: Timestamp) -> DbResult<Vec<Opening>> {
    conn.query("SELECT currency, '' AS plan_code, ")
        .push(LEVELS)
        .filter(" AND day < ?", Some(day))
        .filter(" AND currency = ?", span.currency)
        .filter(" AND plan_code = ?", span.plan.as_deref())
        .push(" GROUP BY currency ORDER BY currency")
        .all()
        .await
}

/// The same by currency and plan.
pub async fn plans_before(conn: &mut Conn, span: &Span, day: Timestamp) -> DbResult<Vec<Opening>> {
    conn.query("SELECT currency, plan_code, ")
        .push(LEVELS)
        .filter(" AND day < ?", Some(day))
        .filter(" AND currency = ?", span.currency)
        .filter(" AND plan_code = ?", span.plan.as_deref())
        .push(" GROUP BY currency, plan_code ORDER BY currency, plan_code")
        .all()
        .await
}

/// What a cohort moved in one month.
#[derive(Clone, Debug, Record)]
pub struct CohortMonth {
    pub currency: Currency,
    pub cohort: Timestamp,
    pub month: Timestamp,
    pub amount: i64,
    pub tenants: i64,
}

/// The cohorts of a span, in the order of time; whatever the plan.
pub async fn list_cohorts(conn: &mut Conn, span: &Span) -> DbResult<Vec<CohortMonth>> {
    conn.query("SELECT currency, cohort, month, amount, tenants FROM revenue_cohorts WHERE 1 = 1")
        .filter(" AND cohort >= ?", Some(span.from))
        .filter(" AND cohort < ?", Some(span.to))
        .filter(" AND month < ?", Some(span.to))
        .filter(" AND currency = ?", span.currency)
        .push(" ORDER BY currency, cohort, month")
        .all()
        .await
}
