//! Taking note of what a subscription comes to, and of what was paid late.

use tollhouse_domain::{
    id::{SubscriptionId, TenantId},
    money::Money,
    revenue::{Fact, Surroundings, movements, trial_facts},
    time::Timestamp,
    usage::Window,
};

use super::queries::{self, FactRow, Revenue};
use crate::{
    clock::Clock,
    db::{DbResult, Tx},
    nudge::Nudge,
};

/// When what is told of a subscription came to be.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// Since when it has what it has, where nothing was known of it.
    pub began: Timestamp,
    /// When it changed, where something was.
    pub changed: Timestamp,
    /// Whether it had a trial.
    pub had_trial: bool,
}

/// Takes note of what a subscription comes to now, and of what the difference is called.
///
/// The caller holds the lock on the tenant's events: what its other subscriptions come to stands still.
///
/// # Errors
/// What the database says.
pub async fn stand(tx: &mut Tx, clock: &Clock, after: &Revenue, moments: Moments) -> DbResult<()> {
    let before = queries::find(tx, after.subscription_id).await?;
    if before.as_ref() == Some(after) {
        return Ok(());
    }
    let at = if before.is_some() { moments.changed } else { moments.began };
    let mut facts = Vec::new();
    match &before {
        // Currencies are never added: what was in the old one is gone, and what is in the new one came.
        Some(before) if before.currency != after.currency => {
            let gone = Revenue { mrr: 0, ..before.clone() };
            facts.extend(moved(tx, clock, Some(before), &gone, at).await?);
            facts.extend(moved(tx, clock, None, after, at).await?);
        }
        before => facts.extend(moved(tx, clock, before.as_ref(), after, at).await?),
    }
    let told = trial_facts(before.map(|before| before.status), after.status, moments.had_trial);
    facts.extend(told.into_iter().map(|fact| of(clock, after, fact, at)));
    queries::put(tx, after).await?;
    queries::insert(tx, &facts).await?;
    tx.nudge_after_commit(Nudge::Revenue);
    Ok(())
}

/// Takes note that a subscription counts no more, such as at the end of its days of grace.
///
/// # Errors
/// What the database says.
pub async fn stop(tx: &mut Tx, clock: &Clock, id: SubscriptionId) -> DbResult<()> {
    let Some(before) = queries::find(tx, id).await? else { return Ok(()) };
    let now = clock.now();
    let moments = Moments { began: now, changed: now, had_trial: false };
    stand(tx, clock, &Revenue { mrr: 0, ..before }, moments).await
}

/// Takes note of an invoice that could not be collected, or was in the end.
///
/// # Errors
/// What the database says.
pub async fn collect(
    tx: &mut Tx,
    clock: &Clock,
    tenant: TenantId,
    plan: &str,
    (fact, money): (Fact, Money),
) -> DbResult<()> {
    let row = FactRow {
        plan_code: plan.to_owned(),
        amount: money.minor(),
        ..blank(clock, tenant, fact, clock.now(), money)
    };
    queries::insert(tx, &[row]).await?;
    tx.nudge_after_commit(Nudge::Revenue);
    Ok(())
}

/// What a change of MRR is called; never before what was told of the tenant already.
async fn moved(
    tx: &mut Tx,
    clock: &Clock,
    before: Option<&Revenue>,
    after: &Revenue,
    at: Timestamp,
) -> DbResult<Vec<FactRow>> {
    let (tenant, currency) = (after.tenant_id, after.currency);
    let known = queries::known(tx, tenant, currency).await?;
    let others = queries::sum_others(tx, tenant, currency, after.subscription_id).await?;
    let at = known.last.map_or(at, |last| at.max(last));
    let cohort = Window::Month.start(known.first.unwrap_or(at));
    let around = Surroundings { others, has_paid: known.first.is_some() };
    let parts = movements(before.map(Revenue::standing), after.standing(), around);
    let rows = parts.into_iter().map(|part| FactRow {
        plan_code: part.plan.to_owned(),
        amount: part.amount,
        tenants: part.tenants,
        subscriptions: part.subscriptions,
        cohort: Some(cohort),
        ..of(clock, after, part.fact, at)
    });
    Ok(rows.collect())
}

/// A fact about a subscription that moves nothing.
fn of(clock: &Clock, row: &Revenue, fact: Fact, at: Timestamp) -> FactRow {
    let blank = blank(clock, row.tenant_id, fact, at, Money::zero(row.currency));
    FactRow { plan_code: row.plan_code.clone(), ..blank }
}

fn blank(clock: &Clock, tenant: TenantId, fact: Fact, at: Timestamp, money: Money) -> FactRow {
    FactRow {
        id: clock.new_id(),
        tenant_id: tenant,
        fact,
        plan_code: String::new(),
        currency: money.currency(),
        amount: 0,
        tenants: 0,
        subscriptions: 0,
        occurred_at: at,
        day: Window::Day.start(at),
        month: Window::Month.start(at),
        cohort: None,
    }
}
