//! Schedules that begin their subscription themselves, now or on a day to come; and the warning before
//! a schedule is over.

use serde_json::Value;

use super::{Phase, Schedule, Status, announce, phases};
use crate::{
    cards::Presence,
    clock::Due,
    error::{Error, Result},
    params::{Metadata, Params},
    subscriptions::{self, ItemDraft, SubscriptionDraft},
    table::Object,
    world::World,
};

/// `subscription_schedule.expiring` is told seven days before the last phase ends.
const WARNING_SECONDS: i64 = 7 * 86_400;

/// The order in which a schedule that begins its subscription is told.
const ORDER: &[&str] = &[
    "subscription_schedule.created",
    "customer.updated",
    "customer.subscription.created",
    "invoice.created",
];

pub fn create(world: &mut World, params: &Params<'_>) -> Result<Value> {
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let start = start_date(world, params)?;
    let mut schedule = Schedule {
        id: String::new(),
        created: world.now,
        customer: customer.to_owned(),
        subscription: None,
        released_subscription: None,
        status: Status::NotStarted,
        phases: phases::read_from(world, params, start)?,
        current: 0,
        end_behavior: params.choice("end_behavior", &["cancel", "release"])?.unwrap_or("release"),
        canceled_at: None,
        completed_at: None,
        released_at: None,
        metadata: Metadata::new(),
    };
    params.merge_metadata(&mut schedule.metadata)?;
    schedule.id = world.ids.id("sub_sched_");
    let id = schedule.id.clone();
    world.schedules.put(schedule);
    plan_warning(world, &id);
    if start > world.now {
        world.agenda.add(start, Due::ScheduleStart(id.clone()));
        announce(world, "subscription_schedule.created", &id);
    } else {
        world.in_order(ORDER, |world| {
            begin(world, &id)?;
            announce(world, "subscription_schedule.created", &id);
            Ok(())
        })?;
    }
    Ok(world.schedules.get(&id, "schedule")?.render(world))
}

/// `now`, which is the default, or a moment to come.
fn start_date(world: &World, params: &Params<'_>) -> Result<i64> {
    let start = match params.text("start_date")? {
        None | Some("now") => return Ok(world.now),
        Some(_) => params.integer("start_date")?.unwrap_or(world.now),
    };
    if start >= world.now {
        return Ok(start);
    }
    Err(Error::not_simulated("The simulator's schedules do not begin in the past.")
        .param("start_date"))
}

/// Its day has come, unless it was canceled or released.
pub fn start(world: &mut World, id: &str) {
    let before = world.schedules.find(id).map(|schedule| schedule.render(world));
    let Some(before) = before.filter(|before| before["status"] == "not_started") else { return };
    if let Err(error) = world.in_order(ORDER, |world| begin(world, id)) {
        tracing::warn!(%id, message = error.message(), "a schedule could not begin");
        return;
    }
    if let Some(after) = world.schedules.find(id).map(|schedule| schedule.render(world)) {
        world.emit_update("subscription_schedule.updated", &before, &after);
    }
}

/// The first phase: the subscription comes into being.
fn begin(world: &mut World, id: &str) -> Result<()> {
    let schedule = world.schedules.get(id, "schedule")?.clone();
    let first = draft(&schedule, &schedule.phases[0]);
    let subscription = subscriptions::open(world, first, true, Presence::Absent)?;
    world.schedules.change(id, |schedule| {
        schedule.status = Status::Active;
        schedule.subscription = Some(subscription);
    });
    for phase in &schedule.phases {
        world.agenda.add(phase.end, Due::PhaseEnd(id.to_owned()));
    }
    Ok(())
}

fn draft(schedule: &Schedule, phase: &Phase) -> SubscriptionDraft {
    let items = phase.items.iter().map(|item| ItemDraft {
        price: item.price.clone(),
        quantity: item.quantity,
        intervals: 1,
        tax_rates: Vec::new(),
        metadata: item.metadata.clone(),
    });
    let billing = phase.billing.clone();
    SubscriptionDraft {
        default_payment_method: billing.default_payment_method,
        default_tax_rates: billing.default_tax_rates,
        automatic_tax: billing.automatic_tax,
        metadata: phase.metadata.clone(),
        schedule: Some(schedule.id.clone()),
        bills_later: true,
        ..SubscriptionDraft::of_items(&schedule.customer, items.collect(), billing.discounts)
    }
}

/// Puts the warning on the agenda, where there is time for one.
pub fn plan_warning(world: &mut World, id: &str) {
    let end = world.schedules.find(id).and_then(|schedule| schedule.phases.last()).map(|p| p.end);
    if let Some(at) = end.map(|end| end - WARNING_SECONDS).filter(|at| *at > world.now) {
        world.agenda.add(at, Due::ScheduleWarning(id.to_owned()));
    }
}

/// Seven days before the end, if that is still its end.
pub fn warn_of_expiry(world: &mut World, id: &str) {
    let ends = |schedule: &&Schedule| {
        schedule.phases.last().is_some_and(|last| last.end == world.now + WARNING_SECONDS)
    };
    let found = world.schedules.find(id).filter(ends);
    if found.is_some_and(|schedule| schedule.status == Status::Active) {
        announce(world, "subscription_schedule.expiring", id);
    }
}
