//! The simulator's time: what is due when, and doing it in order when time moves.

use std::collections::BTreeMap;

use crate::{
    checkout,
    funds::{payouts, topups},
    invoices, quotes, refunds, renewals, schedules, subscriptions, test_clocks,
    world::World,
};

/// Something that time will do.
#[derive(Clone, Debug)]
pub enum Due {
    SessionExpiry(String),
    TrialWarning(String),
    /// Of a subscription: renew it, or end it.
    PeriodEnd(String),
    ScheduleStart(String),
    ScheduleWarning(String),
    QuoteExpiry(String),
    /// Of a schedule.
    PhaseEnd(String),
    IncompleteExpiry(String),
    /// Of a subscription whose change waits for its invoice.
    PendingUpdateExpiry(String),
    /// Of an invoice that would have resumed a paused subscription.
    ResumptionExpiry(String),
    /// Of a subscription whose invoices were not collected.
    CollectionResumption(String),
    /// Of an invoice: finalise and charge it, or charge it again.
    InvoiceStep(String),
    /// Of a sent invoice: it should have been paid by now.
    PaymentDeadline(String),
    /// Of a subscription whose period ends at this moment.
    InvoiceUpcoming(String, i64),
    /// Of a refund that does not stay what it is.
    RefundOutcome(String),
    PayoutArrival(String),
    TopupArrival(String),
    /// Of a test clock that was told to move.
    ClockAdvance(String),
    /// Of a test clock.
    ClockDeletion(String),
}

/// What is due, earliest first. Nothing is ever taken off by name: what no longer applies when its
/// time comes does nothing.
#[derive(Clone, Default)]
pub struct Agenda {
    entries: BTreeMap<(i64, u64), Due>,
    added: u64,
}

impl Agenda {
    pub fn add(&mut self, at: i64, due: Due) {
        self.entries.insert((at, self.added), due);
        self.added += 1;
    }

    /// When the earliest of it is due.
    pub fn next(&self) -> Option<i64> {
        self.entries.keys().next().map(|(at, _)| *at)
    }

    fn take_due(&mut self, now: i64) -> Option<(i64, Due)> {
        let entry = self.entries.first_entry()?;
        let at = entry.key().0;
        (at <= now).then(|| (at, entry.remove()))
    }
}

impl World {
    /// Moves time forward to `now` (unix seconds), doing on the way what falls due, each at its moment.
    pub fn run_until(&mut self, now: i64) {
        while let Some((at, due)) = self.agenda.take_due(now) {
            self.now = self.now.max(at);
            match due {
                Due::SessionExpiry(id) => checkout::expire_by_time(self, &id),
                Due::TrialWarning(id) => renewals::warn_of_trial_end(self, &id),
                Due::PeriodEnd(id) => renewals::end_period(self, &id),
                Due::ScheduleStart(id) => schedules::start(self, &id),
                Due::ScheduleWarning(id) => schedules::warn_of_expiry(self, &id),
                Due::QuoteExpiry(id) => quotes::expire_by_time(self, &id),
                Due::PhaseEnd(id) => schedules::advance(self, &id),
                Due::IncompleteExpiry(id) => renewals::expire_incomplete(self, &id),
                Due::PendingUpdateExpiry(id) => subscriptions::expire_pending(self, &id),
                Due::ResumptionExpiry(id) => subscriptions::expire_resumption(self, &id),
                Due::CollectionResumption(id) => subscriptions::resume_collection(self, &id),
                Due::InvoiceStep(id) => invoices::advance(self, &id),
                Due::PaymentDeadline(id) => invoices::fall_due(self, &id),
                Due::InvoiceUpcoming(id, end) => invoices::announce_upcoming(self, &id, end),
                Due::RefundOutcome(id) => refunds::settle(self, &id),
                Due::PayoutArrival(id) => payouts::arrive(self, &id),
                Due::TopupArrival(id) => topups::arrive(self, &id),
                Due::ClockAdvance(id) => test_clocks::run(self, &id),
                Due::ClockDeletion(id) => test_clocks::delete_by_time(self, &id),
            }
        }
        self.now = self.now.max(now);
    }
}
