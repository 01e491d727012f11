//! What happens to a subscription when a period or a trial ends.

use crate::{
    clock::Due,
    invoices,
    subscriptions::{self, Status},
    table::Object,
    world::World,
};

/// A renewal's draft stays open to changes for an hour.
const DRAFT_SECONDS: i64 = 3600;

/// Ends the subscription if that was planned; begins its next period otherwise.
pub fn end_period(world: &mut World, id: &str) {
    let Some(subscription) = world.subscriptions.find(id) else { return };
    let now = world.now;
    let renews = matches!(subscription.status, Status::Trialing | Status::Active | Status::PastDue);
    if subscription.period_end != now || !renews {
        return;
    }
    if subscription.cancel_at.is_some_and(|end| end <= now) {
        subscriptions::end(world, id, "cancellation_requested");
        return;
    }
    let before = subscription.render(world);
    let mut renewed = subscription.clone();
    renewed.begin_period(renewed.cycle.map_or(0, |cycle| cycle + 1));
    if renewed.status == Status::Trialing {
        renewed.status = Status::Active;
    }
    let charged_at = now + DRAFT_SECONDS;
    let invoice = invoices::draft(world, &renewed, "subscription_cycle", Some(charged_at));
    renewed.latest_invoice = Some(invoice.clone());
    world.agenda.add(charged_at, Due::InvoiceStep(invoice));
    world.agenda.add(renewed.period_end, Due::PeriodEnd(id.to_owned()));
    let after = renewed.render(world);
    world.subscriptions.put(renewed);
    world.emit_update("customer.subscription.updated", &before, &after);
}

pub fn warn_of_trial_end(world: &mut World, id: &str) {
    let Some(subscription) = world.subscriptions.find(id) else { return };
    if subscription.status == Status::Trialing {
        let shown = subscription.render(world);
        world.emit("customer.subscription.trial_will_end", &shown);
    }
}

/// The first invoice was not paid in time: it is voided, and the subscription over.
pub fn expire_incomplete(world: &mut World, id: &str) {
    let Some(subscription) = world.subscriptions.find(id) else { return };
    if subscription.status != Status::Incomplete {
        return;
    }
    let invoice = subscription.latest_invoice.clone();
    let now = world.now;
    subscriptions::change(world, id, |subscription| {
        subscription.status = Status::IncompleteExpired;
        subscription.ended_at = Some(now);
    });
    let is_open = |id: &String| {
        world.invoices.find(id).is_some_and(|invoice| invoice.status == invoices::Status::Open)
    };
    if let Some(invoice) = invoice.filter(is_open) {
        invoices::void_now(world, &invoice);
    }
}
