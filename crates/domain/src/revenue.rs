//! Monthly recurring revenue (MRR): what a subscription comes to in a month, and what a change of it is called.
//!
//! Counted are the recurring lines, after discounts and before tax, while the subscription is active, or past due
//! within its days of grace. Usage is not: it does not recur. A discount of one invoice only is none here.

use crate::access::{Access, access};
use crate::discount::Percent;
use crate::price::Interval;
use crate::rounding::{fraction_of, split};
use crate::subscription::Status;
use crate::text::words;
use crate::time::Timestamp;

/// One line of each period's invoice, whatever is used. Before discounts and tax, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurringLine {
    /// Never below zero.
    pub amount: i64,
    pub interval: Interval,
    /// How many intervals a period has.
    pub interval_count: u32,
}

/// What a coupon takes off each invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    Percent(Percent),
    /// Minor units of the lines' currency.
    Amount(i64),
}

/// What the recurring lines of a subscription come to, after discounts, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recurring {
    /// All lines of one invoice.
    pub per_period: i64,
    /// The same normalised to a month of a year's twelve; each line is rounded once, half away from zero.
    pub per_month: i64,
}

/// What the lines come to, after the discounts in the order in which Stripe has them.
///
/// As on an invoice: a percentage is taken off each line and rounded there; an amount is divided among the lines.
/// A week is 52/12 of a month's, a day 365/12. `None` where it fits no amount.
pub fn recurring(lines: &[RecurringLine], reductions: &[Reduction]) -> Option<Recurring> {
    let mut rest: Vec<i64> = lines.iter().map(|line| line.amount.max(0)).collect();
    for reduction in reductions {
        take_off(&mut rest, *reduction)?;
    }
    let mut sum = Recurring::default();
    for (line, amount) in lines.iter().zip(rest) {
        let (part, whole) = months_in(line.interval);
        let month =
            fraction_of(amount, part, whole.checked_mul(line.interval_count.max(1).into())?)?;
        sum.per_period = sum.per_period.checked_add(amount)?;
        sum.per_month = sum.per_month.checked_add(month)?;
    }
    Some(sum)
}

fn take_off(lines: &mut [i64], reduction: Reduction) -> Option<()> {
    match reduction {
        Reduction::Percent(percent) => {
            for line in lines {
                *line -= percent.of(*line)?;
            }
        }
        Reduction::Amount(amount) => {
            let sum = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(*line))?;
            let weights: Vec<u64> = lines.iter().map(|line| line.unsigned_abs()).collect();
            let parts = split(amount.clamp(0, sum), &weights);
            for (line, part) in lines.iter_mut().zip(parts) {
                *line -= part;
            }
        }
    }
    Some(())
}

/// What part of such an interval's amount a month's is: 1/12 of a year's.
const fn months_in(interval: Interval) -> (i64, i64) {
    match interval {
        Interval::Day => (365, 12),
        Interval::Week => (52, 12),
        Interval::Month => (1, 1),
        Interval::Year => (1, 12),
    }
}

/// Whether a subscription counts as revenue: it is active, or past due and still in its days of grace.
pub fn is_counted(
    status: Status,
    grace_started_at: Option<Timestamp>,
    grace_days: u32,
    now: Timestamp,
) -> bool {
    matches!(status, Status::Active | Status::PastDue)
        && access(status, grace_started_at, grace_days, true, now) != Access::None
}

words! {
    /// One thing that revenue is counted from. The first six are the movements of MRR: they sum to its change.
    pub enum Fact, "a fact of revenue" {
        /// A tenant pays for the first time, in this currency.
        New = "new",
        /// A tenant that pays already pays more.
        Expansion = "expansion",
        /// A tenant pays less, and still something.
        Contraction = "contraction",
        /// A tenant pays nothing any more.
        Churn = "churn",
        /// A tenant that had left pays again.
        Reactivation = "reactivation",
        /// What was one plan's is another's now: the two together come to nothing.
        Transfer = "transfer",
        /// A trial began.
        TrialStarted = "trial_started",
        /// A trial ended, and the subscription is active.
        TrialConverted = "trial_converted",
        /// A trial ended, and the subscription is not active.
        TrialLost = "trial_lost",
        /// An attempt to collect an invoice failed; the amount is what it asked for.
        PaymentFailed = "payment_failed",
        /// An invoice was paid after an attempt had failed; the amount is what was paid.
        PaymentRecovered = "payment_recovered",
        /// What meters counted, on an invoice that became final.
        Usage = "usage",
        /// The part of it that goes beyond what a price includes.
        Overage = "overage",
    }
}

impl Fact {
    /// Whether it changes MRR.
    pub const fn is_movement(self) -> bool {
        matches!(
            self,
            Self::New
                | Self::Expansion
                | Self::Contraction
                | Self::Churn
                | Self::Reactivation
                | Self::Transfer
        )
    }
}

/// What is told of a trial, after a status changed from `before` to `after`.
///
/// One that is seen for the first time after its trial was not seen in it: it began and ended.
pub fn trial_facts(before: Option<Status>, after: Status, had_trial: bool) -> Vec<Fact> {
    let begins = match before {
        None => had_trial || after == Status::Trialing,
        Some(before) => before != Status::Trialing && after == Status::Trialing,
    };
    let was_in_one = match before {
        None => had_trial,
        Some(before) => before == Status::Trialing,
    };
    let ended = match after {
        Status::Trialing => None,
        Status::Active => Some(Fact::TrialConverted),
        _ => Some(Fact::TrialLost),
    };
    let begun = begins.then_some(Fact::TrialStarted);
    begun.into_iter().chain(ended.filter(|_| was_in_one)).collect()
}

/// What a subscription counts for: its plan, and its MRR in minor units; zero while it does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    pub plan: &'a str,
    pub mrr: i64,
}

/// What the rest of a tenant says about a change of one of its subscriptions, in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The MRR of its other subscriptions.
    pub others: i64,
    /// Whether it has ever paid.
    pub has_paid: bool,
}

/// One part of a change. The parts of a change sum to it: in amount, tenants and subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved<'a> {
    pub fact: Fact,
    pub plan: &'a str,
    /// Minor units; below zero for what is lost.
    pub amount: i64,
    /// How many more tenants pay: 1, 0 or −1.
    pub tenants: i64,
    /// How many more subscriptions count: 1, 0 or −1.
    pub subscriptions: i64,
}

/// What a change of one subscription is called, for its tenant as a whole.
///
/// An add-on of a tenant that pays is expansion; the end of one is contraction while another is paid. Where the
/// plan changes, the old amount goes over to the new plan first.
pub fn movements<'a>(
    before: Option<Standing<'a>>,
    after: Standing<'a>,
    around: Surroundings,
) -> Vec<Moved<'a>> {
    let before = before.unwrap_or(Standing { plan: after.plan, mrr: 0 });
    let mut moved = Vec::new();
    if before.mrr > 0 && after.mrr > 0 && before.plan != after.plan {
        let transfer = |plan, sign: i64| Moved {
            fact: Fact::Transfer,
            plan,
            amount: sign * before.mrr,
            tenants: 0,
            subscriptions: sign,
        };
        moved.extend([transfer(before.plan, -1), transfer(after.plan, 1)]);
    }
    let amount = after.mrr - before.mrr;
    if amount == 0 {
        return moved;
    }
    let (paid, pays) = (around.others + before.mrr > 0, around.others + after.mrr > 0);
    let fact = match (paid, pays) {
        (false, _) if around.has_paid => Fact::Reactivation,
        (false, _) => Fact::New,
        (true, false) => Fact::Churn,
        (true, true) if amount > 0 => Fact::Expansion,
        (true, true) => Fact::Contraction,
    };
    moved.push(Moved {
        fact,
        plan: if after.mrr > 0 { after.plan } else { before.plan },
        amount,
        tenants: i64::from(pays) - i64::from(paid),
        subscriptions: i64::from(after.mrr > 0) - i64::from(before.mrr > 0),
    });
    moved
}

#[cfg(test)]
mod tests;
