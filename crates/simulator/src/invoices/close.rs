//! Invoices nobody collects any more: left alone, voided, or given up.

use super::{Status, announce, change};
use crate::{customers, payments, subscriptions, world::World};

/// Left open, and nobody asks again.
pub fn stop_collecting(world: &mut World, id: &str) {
    change(world, id, |invoice| {
        if matches!(invoice.status, Status::Draft | Status::Open) {
            invoice.auto_advance = false;
            invoice.next_step_at = None;
        }
    });
}

pub fn void_now(world: &mut World, id: &str) {
    let now = world.now;
    change(world, id, |invoice| {
        invoice.status = Status::Void;
        invoice.voided_at = Some(now);
        invoice.auto_advance = false;
        invoice.next_step_at = None;
    });
    announce(world, "invoice.voided", id);
    super::payments::settle(world, id, "canceled");
    let intent = world.invoices.find(id).and_then(|invoice| invoice.payment_intent.clone());
    if let Some(intent) = intent {
        payments::cancel(world, &intent);
    }
}

/// Nobody expects it to be paid; the subscription is not late because of it any more.
pub fn mark_uncollectible_now(world: &mut World, id: &str) {
    let now = world.now;
    change(world, id, |invoice| {
        invoice.status = Status::Uncollectible;
        invoice.marked_uncollectible_at = Some(now);
        invoice.auto_advance = false;
        invoice.next_step_at = None;
    });
    announce(world, "invoice.marked_uncollectible", id);
    forgive(world, id);
}

/// A subscription that is late only with this invoice is so no longer.
pub fn forgive(world: &mut World, id: &str) {
    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    let is_late = world.subscriptions.find(&invoice.subscription).is_some_and(|subscription| {
        matches!(
            subscription.status,
            subscriptions::Status::PastDue | subscriptions::Status::Unpaid
        ) && subscription.latest_invoice.as_deref() == Some(id)
    });
    if is_late {
        let active = subscriptions::Status::Active;
        subscriptions::change(world, &invoice.subscription, |stored| stored.status = active);
        customers::set_delinquent(world, &invoice.customer, false);
    }
}
