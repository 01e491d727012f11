//! The ledger of a tenant's credits: what came, what was spent and what was lost, line by line.
//!
//! It is worked out from two lists that only grow: what operators granted, and readings of what was used of a
//! billing period. A reading is taken when a period is over, when credits expire, and when the plan changes;
//! the last one is of this moment. The same lists give the same ledger, so that no line ever changes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Lot, spend};
use crate::id::CreditGrantId;
use crate::period::Period;
use crate::text::words;
use crate::time::Timestamp;
use crate::usage::Quantity;

/// Credits that an operator has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: CreditGrantId,
    pub amount: Quantity,
    pub granted_at: Timestamp,
    /// Never, where absent.
    pub expires_at: Option<Timestamp>,
}

/// Credits that plans include in a billing period, by the days for which they roll over.
pub type Included = BTreeMap<u32, u64>;

/// What was used of a billing period at a moment, and what the plans included in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub at: Timestamp,
    pub period: Period,
    pub included: Included,
    /// In credits, since the period began.
    pub used: Quantity,
}

words! {
    /// What happened to credits.
    pub enum EntryKind, "a kind of entry" {
        /// A plan included them in a period; below zero, where another plan includes less.
        Included = "included",
        /// An operator gave them.
        Granted = "granted",
        /// Usage took them.
        Spent = "spent",
        /// Their time was over.
        Expired = "expired",
        /// A period is over, and so much of its usage no credits covered. The balance stays.
        Overage = "overage",
    }
}

/// Where credits come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The plans, in the billing period that began then.
    Plan {
        period: Timestamp,
    },
    Grant(CreditGrantId),
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub kind: EntryKind,
    /// None of an overage.
    pub source: Option<Source>,
    /// The billing period that it belongs to; none of a grant before the first.
    pub period: Option<Timestamp>,
    /// What was added to the balance, or taken from it; of an overage, how much it is.
    pub amount: Quantity,
    /// After this line.
    pub balance: Quantity,
}

/// Credits that can be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLot {
    pub source: Source,
    pub left: Quantity,
    pub expires_at: Option<Timestamp>,
    /// Of a plan's: for how long they outlive their period.
    pub roll_over_days: Option<u32>,
}

/// The lines, oldest first, and how things stand after the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub entries: Vec<Entry>,
    /// What is left, in the order in which it is spent.
    pub lots: Vec<OpenLot>,
    pub balance: Quantity,
    /// The billing period of the last reading.
    period: Option<Timestamp>,
    periods: BTreeMap<Timestamp, Account>,
}

/// How one billing period stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Account {
    included: Included,
    used: Quantity,
    /// What credits were spent for.
    covered: Quantity,
    /// What was told as overage.
    told: Quantity,
}

/// Works the ledger out. `grants` and `readings` stand in the order of their making.
pub fn ledger(grants: &[Grant], readings: &[Reading]) -> Ledger {
    let mut ledger = Ledger::default();
    let mut grants = grants.iter().peekable();
    for reading in readings {
        if ledger.period != Some(reading.period.start) {
            ledger.close(reading.at);
            ledger.period = Some(reading.period.start);
        }
        ledger.include(reading);
        while let Some(grant) = grants.next_if(|grant| grant.granted_at <= reading.at) {
            ledger.add_grant(grant);
        }
        ledger.spend(reading);
        ledger.expire(reading.at);
    }
    ledger
}

impl Ledger {
    /// What of the open period's usage no credits cover.
    pub fn overage(&self) -> Quantity {
        let account = self.period.and_then(|period| self.periods.get(&period));
        account.map_or(Quantity::ZERO, |of| of.used.minus(of.covered).or_zero())
    }

    /// Ends the period before this one: what nobody covered is told, what does not roll over is lost.
    fn close(&mut self, at: Timestamp) {
        let Some(period) = self.period else { return };
        let account = self.periods.entry(period).or_default();
        let overage = account.used.minus(account.covered).minus(account.told).or_zero();
        account.told = account.told.plus(overage);
        for lot in &mut self.lots {
            if lot.roll_over_days == Some(0) && lot.source == (Source::Plan { period }) {
                lot.expires_at = Some(lot.expires_at.map_or(at, |end| end.min(at)));
            }
        }
        self.expire(at);
        if overage > Quantity::ZERO {
            let balance = self.balance;
            self.entries.push(Entry {
                at,
                kind: EntryKind::Overage,
                source: None,
                period: Some(period),
                amount: overage,
                balance,
            });
        }
    }

    /// Brings what the plans include to what they include now.
    fn include(&mut self, reading: &Reading) {
        let period = reading.period.start;
        let source = Source::Plan { period };
        let known = self.periods.entry(period).or_default().included.clone();
        let days: BTreeSet<u32> = known.keys().chain(reading.included.keys()).copied().collect();
        for days in days {
            let (had, has) = (amount(&known, days), amount(&reading.included, days));
            let expires_at = Some(reading.period.end.plus_days(days.into()));
            let own = |lot: &OpenLot| lot.source == source && lot.roll_over_days == Some(days);
            let (more, less) = (has.minus(had).or_zero(), had.minus(has).or_zero());
            let change = if let Some(lot) = self.lots.iter_mut().find(|lot| own(lot)) {
                let taken = less.min(lot.left);
                lot.left = lot.left.plus(more).minus(taken);
                // The end of a period may move while it is open.
                lot.expires_at = expires_at;
                more.minus(taken)
            } else {
                self.lots.push(OpenLot {
                    source,
                    left: more,
                    expires_at,
                    roll_over_days: Some(days),
                });
                more
            };
            self.enter(reading.at, EntryKind::Included, source, change);
        }
        self.periods.entry(period).or_default().included.clone_from(&reading.included);
    }

    fn add_grant(&mut self, grant: &Grant) {
        let source = Source::Grant(grant.id);
        self.lots.push(OpenLot {
            source,
            left: grant.amount,
            expires_at: grant.expires_at,
            roll_over_days: None,
        });
        self.enter(grant.granted_at, EntryKind::Granted, source, grant.amount);
    }

    /// Covers what was used since the last reading, by what expires first.
    fn spend(&mut self, reading: &Reading) {
        let account = self.periods.entry(reading.period.start).or_default();
        account.used = reading.used;
        let wanted = reading.used.minus(account.covered).or_zero();
        self.lots.sort_by_key(|lot| (lot.expires_at.is_none(), lot.expires_at));
        let lots: Vec<Lot> = self
            .lots
            .iter()
            .map(|lot| Lot { amount: lot.left, expires_at: lot.expires_at })
            .collect();
        let spending = spend(&lots, wanted);
        account.covered = account.covered.plus(wanted.minus(spending.overage));
        for (index, taken) in spending.taken.into_iter().enumerate() {
            self.lots[index].left = self.lots[index].left.minus(taken);
            self.enter(
                reading.at,
                EntryKind::Spent,
                self.lots[index].source,
                Quantity::ZERO.minus(taken),
            );
        }
        self.lots.retain(|lot| lot.left > Quantity::ZERO);
    }

    /// Takes away what is past its time.
    fn expire(&mut self, now: Timestamp) {
        let over = |lot: &OpenLot| lot.expires_at.filter(|end| *end <= now);
        let (expired, open): (Vec<OpenLot>, Vec<OpenLot>) =
            std::mem::take(&mut self.lots).into_iter().partition(|lot| over(lot).is_some());
        self.lots = open;
        for lot in expired {
            let at = lot.expires_at.unwrap_or(now);
            self.enter(at, EntryKind::Expired, lot.source, Quantity::ZERO.minus(lot.left));
        }
    }

    /// Writes a line, unless nothing changes.
    fn enter(&mut self, at: Timestamp, kind: EntryKind, source: Source, amount: Quantity) {
        if amount != Quantity::ZERO {
            self.balance = self.balance.plus(amount);
            let (period, balance) = (self.period, self.balance);
            self.entries.push(Entry { at, kind, source: Some(source), period, amount, balance });
        }
    }
}

fn amount(included: &Included, days: u32) -> Quantity {
    Quantity::from_whole(included.get(&days).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests;
