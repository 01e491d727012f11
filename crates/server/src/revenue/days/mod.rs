//! The facts of revenue summed up, by day and by the month in which tenants first paid.

pub mod queries;

use std::collections::BTreeMap;

use super::queries::{FactRow, list_uncounted, mark_counted};
use crate::{
    app::App,
    db::{Db, Tx},
    error::Result,
};
use queries::{CohortKey, DayKey, Sums};

/// Facts counted in one transaction.
const BATCH: i64 = 1000;

/// Counts facts that no day has yet; how many there were.
///
/// # Errors
/// What the database says.
pub async fn count_some(db: &Db) -> Result<usize> {
    let mut tx = db.begin().await?;
    queries::lock(&mut tx).await?;
    let facts = list_uncounted(&mut tx, BATCH).await?;
    if facts.is_empty() {
        return Ok(0);
    }
    let mut days: BTreeMap<DayKey, Sums> = BTreeMap::new();
    let mut cohorts: BTreeMap<CohortKey, Sums> = BTreeMap::new();
    for fact in &facts {
        days.entry(day_of(fact)).or_default().add(fact);
        if let Some(cohort) = fact.cohort {
            let key = CohortKey { currency: fact.currency, cohort, month: fact.month };
            cohorts.entry(key).or_default().add(fact);
        }
    }
    queries::add_to_days(&mut tx, &days.into_iter().collect::<Vec<_>>()).await?;
    queries::add_to_cohorts(&mut tx, &cohorts.into_iter().collect::<Vec<_>>()).await?;
    mark_counted(&mut tx, &facts.iter().map(|fact| fact.id).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(facts.len())
}

fn day_of(fact: &FactRow) -> DayKey {
    DayKey {
        day: fact.day,
        month: fact.month,
        currency: fact.currency,
        plan_code: fact.plan_code.clone(),
        fact: fact.fact,
    }
}

impl Sums {
    fn add(&mut self, fact: &FactRow) {
        self.facts += 1;
        self.amount += fact.amount;
        self.tenants += fact.tenants;
        self.subscriptions += fact.subscriptions;
    }
}

/// Makes the days and the cohorts anew from all facts, in one transaction; nobody sees them half made.
///
/// # Errors
/// What the database says.
pub async fn make_anew(app: &App) -> Result<()> {
    let mut tx: Tx = app.db.begin().await?;
    queries::lock(&mut tx).await?;
    queries::make_anew(&mut tx).await?;
    Ok(tx.commit().await?)
}
