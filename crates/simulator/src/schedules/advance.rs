//! What time does to a schedule: one phase after the other, and then its end.

use super::{Phase, Status, announce, change};
use crate::{
    automatic_tax::AutomaticTax,
    calendar::Cadence,
    discounts,
    subscriptions::{self, Item, Plan, Subscription, prorate, settled_usage},
    world::World,
};

/// The phase that begins for a subscription at `moment`; none where nothing changes then.
pub fn due_phase(world: &World, subscription: &Subscription, moment: i64) -> Option<Phase> {
    let schedule = world.schedules.find(subscription.schedule.as_ref()?)?;
    let running = schedule.phases.get(schedule.current)?;
    let next = schedule.phases.get(schedule.current + 1)?;
    (running.end <= moment).then(|| next.clone())
}

/// Takes over what a phase sells. An item whose price stays keeps its id; others take the place of
/// those that go.
pub fn enter(world: &mut World, subscription: &mut Subscription, phase: &Phase) {
    let mut old = std::mem::take(&mut subscription.items);
    for wanted in &phase.items {
        let same = old.iter().position(|item| item.price == wanted.price);
        let place = same.or(if old.is_empty() { None } else { Some(0) });
        let mut item = match place {
            Some(place) => old.remove(place),
            None => Item {
                id: world.ids.id("si_"),
                created: world.now,
                price: String::new(),
                quantity: None,
                intervals: 1,
                metadata: wanted.metadata.clone(),
                tax_rates: Vec::new(),
                unbilled_from: phase.start,
                debit: None,
            },
        };
        if item.price != wanted.price {
            item.unbilled_from = phase.start;
        }
        item.price.clone_from(&wanted.price);
        item.quantity = wanted.quantity;
        subscription.items.push(item);
    }
    bill(world, subscription, phase);
    if let Some(cadence) = cadence(world, phase)
        && cadence != subscription.cadence
    {
        subscription.cadence = cadence;
        subscription.anchor = phase.start;
        subscription.cycle = None;
    }
}

/// Takes over how a phase is billed; what it does not have ends.
pub fn bill(world: &mut World, subscription: &mut Subscription, phase: &Phase) {
    let billing = &phase.billing;
    let redeem = |wanted| discounts::redeem(world, wanted, subscription);
    subscription.discounts = billing.discounts.iter().map(redeem).collect();
    discounts::settle(world, subscription);
    subscription.default_tax_rates.clone_from(&billing.default_tax_rates);
    subscription.automatic_tax = AutomaticTax::on(billing.automatic_tax);
    subscription.default_payment_method.clone_from(&billing.default_payment_method);
}

fn cadence(world: &World, phase: &Phase) -> Option<Cadence> {
    let price = world.prices.find(&phase.items.first()?.price)?;
    price.recurring.as_ref().map(|recurring| recurring.cadence)
}

/// A phase has ended. Where the subscription's period ends with it, its renewal brings the next one.
pub fn advance(world: &mut World, id: &str) {
    let Some(schedule) = world.schedules.find(id).cloned() else { return };
    let has_ended = schedule.phases.get(schedule.current).is_some_and(|p| p.end <= world.now);
    let subscription = schedule.subscription.as_ref().and_then(|id| world.subscriptions.find(id));
    let Some(subscription) = subscription.cloned() else { return };
    if schedule.status != Status::Active || !has_ended {
        return;
    }
    let Some(phase) = due_phase(world, &subscription, world.now) else {
        finish(world, id, schedule.end_behavior);
        return;
    };
    if subscription.period_end == world.now {
        // Renewing takes the phase over, and comes here again when it is done.
        return;
    }
    change_inside_period(world, &subscription, &phase);
    begin_next(world, id);
}

/// Counts on to the next phase.
pub fn begin_next(world: &mut World, id: &str) {
    change(world, id, |schedule| schedule.current += 1);
}

fn change_inside_period(world: &mut World, before: &Subscription, phase: &Phase) {
    let plan = plan(world, before, phase, world.now);
    subscriptions::perform(world, before, plan, true);
}

/// The change that a phase makes when it begins inside a period, at `moment`.
pub fn plan(world: &mut World, before: &Subscription, phase: &Phase, moment: i64) -> Plan {
    let mut after = before.clone();
    enter(world, &mut after, phase);
    let restarts = after.cycle.is_none() && before.cycle.is_some();
    if restarts {
        after.begin_period(0);
    }
    let prorates = phase.proration_behavior != "none" && before.status.is_billed();
    let prorations =
        if prorates { prorate(world, before, &mut after, moment, restarts) } else { Vec::new() };
    let usage = settled_usage(world, before, &mut after, restarts);
    let owes = !prorations.is_empty() || !usage.is_empty();
    let invoices_now = restarts || (phase.proration_behavior == "always_invoice" && owes);
    Plan { after, prorations, usage, restarts, invoices_now, proration_date: moment }
}

fn finish(world: &mut World, id: &str, end_behavior: &str) {
    if end_behavior == "release" {
        release_now(world, id);
        return;
    }
    let now = world.now;
    let subscription = world.schedules.find(id).and_then(|found| found.subscription.clone());
    world.schedules.change(id, |schedule| {
        schedule.status = Status::Completed;
        schedule.completed_at = Some(now);
    });
    if let Some(subscription) = subscription {
        subscriptions::end(world, &subscription, Some("cancellation_requested"));
    }
    announce(world, "subscription_schedule.completed", id);
}

pub fn release_now(world: &mut World, id: &str) {
    let now = world.now;
    let mut released = None;
    world.schedules.change(id, |schedule| {
        released = schedule.subscription.take();
        schedule.status = Status::Released;
        schedule.released_at = Some(now);
        schedule.released_subscription.clone_from(&released);
    });
    if let Some(subscription) = released {
        subscriptions::change(world, &subscription, |stored| stored.schedule = None);
    }
    announce(world, "subscription_schedule.released", id);
}

/// The subscription is over, and its schedule with it.
pub fn drop_with_subscription(world: &mut World, id: &str, aborts: bool) {
    let now = world.now;
    if world.schedules.find(id).is_none_or(|schedule| schedule.status != Status::Active) {
        return;
    }
    world.schedules.change(id, |schedule| {
        schedule.status = Status::Canceled;
        schedule.canceled_at = Some(now);
    });
    let told =
        if aborts { "subscription_schedule.aborted" } else { "subscription_schedule.canceled" };
    announce(world, told, id);
}
