//! What happens to a subscription when a period or a trial ends.

use crate::{
    clock::Due,
    invoices::{self, DRAFT_SECONDS, Occasion},
    schedules::{self, Phase},
    subscriptions::{self, Status, Subscription, TRIAL_WARNING_SECONDS},
    table::Object,
    world::World,
};

/// The order in which Stripe tells of a trial that ends.
const TRIAL_END_ORDER: &[&str] = &["customer.subscription.updated", "invoice.created"];

/// The order in which Stripe tells of a renewal that begins a schedule's next phase.
const PHASE_ORDER: &[&str] =
    &["customer.subscription.updated", "subscription_schedule.updated", "invoice.created"];

/// Ends the subscription if that was planned; begins its next period otherwise.
pub fn end_period(world: &mut World, id: &str) {
    let Some(subscription) = world.subscriptions.find(id).cloned() else { return };
    let now = world.now;
    if subscription.status.is_ended() || subscription.status == Status::Incomplete {
        return;
    }
    if subscription.cancel_at.is_some_and(|end| end <= now) {
        subscriptions::end(world, id, Some("cancellation_requested"));
        last_invoice(world, subscription);
        return;
    }
    if subscription.period_end != now || subscription.status == Status::Paused {
        return;
    }
    if subscription.status == Status::Trialing && ends_without_card(world, &subscription) {
        return;
    }
    match schedules::due_phase(world, &subscription, now) {
        Some(phase) => renew_into(world, subscription, &phase),
        None if subscription.status == Status::Trialing => {
            world.in_order(TRIAL_END_ORDER, |world| {
                renew(world, subscription.clone(), subscription);
            });
        }
        None => renew(world, subscription.clone(), subscription),
    }
}

/// The next period is one of the schedule's next phase.
fn renew_into(world: &mut World, before: Subscription, phase: &Phase) {
    let mut renewed = before.clone();
    let schedule = renewed.schedule.clone();
    schedules::enter(world, &mut renewed, phase);
    world.in_order(PHASE_ORDER, |world| {
        renew(world, before, renewed);
        if let Some(schedule) = schedule {
            schedules::begin_next(world, &schedule);
        }
    });
}

/// What a trial without a card comes to, where its owner wanted no invoice.
fn ends_without_card(world: &mut World, subscription: &Subscription) -> bool {
    if subscription.payment_method(world).is_some() {
        return false;
    }
    match subscription.billing.missing_payment_method {
        "cancel" => subscriptions::end(world, &subscription.id, None),
        "pause" => subscriptions::enter_pause(world, &subscription.id),
        _ => return false,
    }
    true
}

fn renew(world: &mut World, before: Subscription, mut renewed: Subscription) {
    let usage = invoices::usage_of_ended(world, &before, world.now);
    let before = before.render(world);
    renewed.begin_period(renewed.cycle.map_or(0, |cycle| cycle + 1));
    if renewed.status == Status::Trialing {
        renewed.status = Status::Active;
    }
    let charged_at = world.now + DRAFT_SECONDS;
    let keeps_draft = renewed.status == Status::Unpaid
        || renewed.pause_collection.is_some_and(|pause| pause.behavior == "keep_as_draft");
    let period = Occasion::of_period(world, &renewed, "subscription_cycle");
    let occasion = Occasion { usage, ..period };
    let step = (!keeps_draft).then_some(charged_at);
    let invoice = invoices::draft(world, &mut renewed, occasion, step);
    match step {
        Some(at) => world.agenda.add(at, Due::InvoiceStep(invoice)),
        None => invoices::stop_collecting(world, &invoice),
    }
    subscriptions::plan_period(world, &renewed);
    let after = renewed.render(world);
    world.subscriptions.put(renewed);
    world.emit_update("customer.subscription.updated", &before, &after);
}

/// Usage, and prorations left at a planned end, are collected then.
fn last_invoice(world: &mut World, mut subscription: Subscription) {
    let occasion =
        Occasion { billing_reason: "subscription_cycle", ..Occasion::at_end(world, &subscription) };
    if occasion.is_empty() {
        return;
    }
    let at = world.now + DRAFT_SECONDS;
    let invoice = invoices::draft(world, &mut subscription, occasion, Some(at));
    world.subscriptions.change(&subscription.id, |stored| {
        stored.latest_invoice = Some(invoice.clone());
    });
    world.agenda.add(at, Due::InvoiceStep(invoice));
}

pub fn warn_of_trial_end(world: &mut World, id: &str) {
    let Some(subscription) = world.subscriptions.find(id) else { return };
    let is_due =
        subscription.trial.is_some_and(|(_, end)| end - TRIAL_WARNING_SECONDS <= world.now);
    if subscription.status == Status::Trialing && is_due {
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
