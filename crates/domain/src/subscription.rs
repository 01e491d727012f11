//! A subscription's states, the moves between them, and what each move means.

use serde::{Deserialize, Serialize};

use crate::event::EventType;
use crate::period::Period;
use crate::text::{UnknownWord, words};
use crate::time::Timestamp;

words! {
    /// The state of a subscription, in Stripe's eight words.
    pub enum Status, "a subscription status" {
        /// In its trial; nothing has been charged.
        Trialing = "trialing",
        /// Paid, or nothing to pay.
        Active = "active",
        /// A payment failed and is being tried again.
        PastDue = "past_due",
        /// Every attempt failed; invoices are no longer charged.
        Unpaid = "unpaid",
        /// Halted until someone resumes it.
        Paused = "paused",
        /// The first payment is still awaited.
        Incomplete = "incomplete",
        /// The first payment never came. Over.
        IncompleteExpired = "incomplete_expired",
        /// Ended. Over.
        Canceled = "canceled",
    }
}

/// The word is none of Stripe's eight.
pub type UnknownStatus = UnknownWord;

impl Status {
    /// Whether it is over, for good.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }

    /// Whether it is not over; a tenant has at most one such base subscription.
    pub const fn is_live(self) -> bool {
        !self.is_terminal()
    }
}

/// What we know of a subscription at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    pub status: Status,
    /// The code of the plan.
    pub plan: String,
    pub plan_version: u32,
    pub price_lookup_key: String,
    /// Seats.
    pub quantity: u64,
    pub period: Period,
    pub trial_end: Option<Timestamp>,
    /// The moment it will end, whichever of Stripe's two flags says so.
    pub cancel_at: Option<Timestamp>,
    /// What it will become, where a change waits for its day.
    pub pending: Option<PendingChange>,
}

/// A change that waits for the end of the period.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PendingChange {
    /// The code of the plan it leads to.
    pub plan: String,
    pub plan_version: u32,
    pub price_lookup_key: String,
    /// Seats.
    pub quantity: u64,
    /// When it comes.
    pub at: Timestamp,
}

/// Whether a subscription may go from one status to another: what is over stays as it is over.
pub fn may_follow(before: Status, after: Status) -> bool {
    before == after || before.is_live()
}

/// What happened between two states, in the order in which one would tell it; nothing twice.
///
/// `before` is `None` for a subscription not seen yet. A move that [`may_follow`] forbids tells
/// nothing.
pub fn changes(before: Option<&State>, after: &State) -> Vec<EventType> {
    let told = match before {
        None => beginning(after).to_vec(),
        Some(before) if may_follow(before.status, after.status) => {
            vec![
                trial_ended(before, after),
                renewed(before, after),
                plan_changed(before, after),
                quantity_changed(before, after),
                moved(before.status, after.status),
                cancel_changed(before, after),
                pending_changed(before, after),
            ]
        }
        Some(_) => Vec::new(),
    };
    told.into_iter().flatten().collect()
}

fn beginning(after: &State) -> [Option<EventType>; 4] {
    let scheduled = after.status.is_live() && after.cancel_at.is_some();
    [
        Some(EventType::SubscriptionCreated),
        arrived(after.status),
        scheduled.then_some(EventType::SubscriptionCancelScheduled),
        after.pending.as_ref().map(|_| EventType::SubscriptionChangeScheduled),
    ]
}

fn trial_ended(before: &State, after: &State) -> Option<EventType> {
    let ended = before.status == Status::Trialing && after.status != Status::Trialing;
    ended.then_some(EventType::SubscriptionTrialEnded)
}

fn renewed(before: &State, after: &State) -> Option<EventType> {
    // Another interval begins a period in the middle of one: that is a change, no renewal.
    let renewed = after.status.is_live() && after.period.start >= before.period.end;
    renewed.then_some(EventType::SubscriptionRenewed)
}

fn plan_changed(before: &State, after: &State) -> Option<EventType> {
    let terms =
        |state: &State| (state.plan.clone(), state.plan_version, state.price_lookup_key.clone());
    let changed = terms(before) != terms(after);
    changed.then_some(EventType::SubscriptionPlanChanged)
}

fn quantity_changed(before: &State, after: &State) -> Option<EventType> {
    (before.quantity != after.quantity).then_some(EventType::SubscriptionQuantityChanged)
}

/// What leaving one status for another is called. Coming back has its own words.
fn moved(before: Status, after: Status) -> Option<EventType> {
    match (before, after) {
        _ if before == after => None,
        (Status::Paused, Status::Active | Status::Trialing) => Some(EventType::SubscriptionResumed),
        (Status::PastDue | Status::Unpaid, Status::Active) => {
            Some(EventType::SubscriptionRecovered)
        }
        _ => arrived(after),
    }
}

fn arrived(status: Status) -> Option<EventType> {
    match status {
        Status::Trialing => Some(EventType::SubscriptionTrialStarted),
        Status::Active => Some(EventType::SubscriptionActivated),
        Status::PastDue => Some(EventType::SubscriptionPastDue),
        Status::Unpaid => Some(EventType::SubscriptionUnpaid),
        Status::Paused => Some(EventType::SubscriptionPaused),
        Status::Incomplete => None,
        Status::IncompleteExpired => Some(EventType::SubscriptionExpired),
        Status::Canceled => Some(EventType::SubscriptionCanceled),
    }
}

/// Only of what is not over: an end that came is told as the end.
fn cancel_changed(before: &State, after: &State) -> Option<EventType> {
    if after.status.is_terminal() || before.cancel_at == after.cancel_at {
        return None;
    }
    Some(match after.cancel_at {
        Some(_) => EventType::SubscriptionCancelScheduled,
        None => EventType::SubscriptionCancelRevoked,
    })
}

/// A change that came is told as the change; one that was dropped, as dropped.
fn pending_changed(before: &State, after: &State) -> Option<EventType> {
    if after.status.is_terminal() || before.pending == after.pending {
        return None;
    }
    match (&before.pending, &after.pending) {
        (_, Some(_)) => Some(EventType::SubscriptionChangeScheduled),
        (Some(waited), None) if after.period.start < waited.at => {
            Some(EventType::SubscriptionChangeDropped)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
