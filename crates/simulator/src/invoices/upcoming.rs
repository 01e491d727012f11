//! `invoice.upcoming`: what a renewal will bill, told some days before.

use super::{Occasion, preview::next};
use crate::{
    clock::Due,
    schedules::{self, Next},
    subscriptions::{Status, Subscription},
    table::Object,
    world::World,
};

const DAY: i64 = 86_400;

/// Puts it on the agenda for the period that runs, where that is long enough.
pub fn plan(world: &mut World, subscription: &Subscription) {
    let end = subscription.period_end;
    let moment = end - world.settings.invoice_upcoming_days * DAY;
    if moment >= subscription.period_start && moment >= world.now {
        world.agenda.add(moment, Due::InvoiceUpcoming(subscription.id.clone(), end));
    }
}

/// Tells of the invoice at `end`, unless the period ends otherwise by now, or nothing will be charged.
pub fn announce(world: &mut World, id: &str, end: i64) {
    let Some(subscription) = world.subscriptions.find(id).cloned() else { return };
    let runs = matches!(subscription.status, Status::Active | Status::PastDue | Status::Trialing);
    let is_charged = !subscription.billing.is_sent() && subscription.pause_collection.is_none();
    let is_told = subscription.upcoming_told == Some(end);
    if is_told
        || !runs
        || !is_charged
        || subscription.period_end != end
        || ends(world, &subscription)
    {
        return;
    }
    let schedule = subscription.schedule.as_ref().and_then(|id| world.schedules.find(id)).cloned();
    let occasion = Occasion::of_period(world, &subscription, "upcoming");
    if let Ok(mut invoice) = next(world, &subscription, occasion, schedule.as_ref()) {
        invoice.name_as_preview(world);
        let shown = invoice.render(world);
        world.emit("invoice.upcoming", &shown);
        world.subscriptions.change(id, |stored| stored.upcoming_told = Some(end));
    }
}

/// Whether there will be no renewal: by plan, by schedule, or for want of a card after a trial.
fn ends(world: &mut World, subscription: &Subscription) -> bool {
    let no_card = subscription.status == Status::Trialing
        && subscription.billing.missing_payment_method != "create_invoice"
        && subscription.payment_method(world).is_none();
    let schedule = subscription.schedule.as_ref().and_then(|id| world.schedules.find(id)).cloned();
    let by_schedule = schedule.is_some_and(|schedule| {
        let ahead = schedules::look_ahead(world, &schedule, subscription);
        matches!(ahead.next, Next::End)
    });
    let planned = subscription.cancel_at.is_some_and(|end| end <= subscription.period_end);
    no_card || by_schedule || planned
}
