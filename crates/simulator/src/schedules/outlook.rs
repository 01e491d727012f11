//! What a schedule does to its subscription until the next invoice, for previews.

use super::{Phase, Schedule, Status, advance::plan};
use crate::{invoice_items::InvoiceItem, subscriptions::Subscription, world::World};

/// How things stand when the next invoice is made.
pub struct Outlook {
    pub subscription: Subscription,
    /// Prorations of phases that begin before, newest first.
    pub items: Vec<InvoiceItem>,
    pub next: Next,
}

/// What makes the next invoice.
pub enum Next {
    /// A phase that begins inside the period, at this moment; whether it begins a period of its own.
    Phase { at: i64, restarts: bool },
    /// The end of the period, and the phase that begins then.
    Renewal(Option<Phase>),
    /// There is no renewal: the schedule ends, and the subscription with it.
    End,
}

/// Goes through the phases that begin until the end of the period.
pub fn look_ahead(world: &mut World, schedule: &Schedule, before: &Subscription) -> Outlook {
    let mut ahead =
        Outlook { subscription: before.clone(), items: Vec::new(), next: Next::Renewal(None) };
    let upcoming = schedule.phases.get(schedule.current + 1..).unwrap_or_default();
    for phase in upcoming.iter().filter(|_| schedule.status == Status::Active) {
        let end = ahead.subscription.period_end;
        if phase.start >= end {
            if phase.start == end {
                ahead.next = Next::Renewal(Some(phase.clone()));
            }
            return ahead;
        }
        let plan = plan(world, &ahead.subscription, phase, phase.start);
        let mut items = plan.items(world);
        items.reverse();
        items.append(&mut ahead.items);
        ahead.items = items;
        ahead.subscription = plan.after;
        if plan.invoices_now {
            ahead.next = Next::Phase { at: phase.start, restarts: plan.restarts };
            return ahead;
        }
    }
    let ends_at = schedule.phases.last().map_or(i64::MAX, |phase| phase.end);
    let cancels = schedule.status == Status::Active && schedule.end_behavior == "cancel";
    if cancels && ends_at <= ahead.subscription.period_end {
        ahead.next = Next::End;
    }
    ahead
}
