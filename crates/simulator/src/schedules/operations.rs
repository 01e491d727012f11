//! What the API does with schedules.

use serde_json::Value;

use super::{Phase, PhaseBilling, PhaseItem, Schedule, Status, announce, begin, change};
use crate::{
    clock::Due,
    discounts::Redemption,
    error::{Error, Result},
    invoice_items, lists,
    params::{Metadata, Params},
    subscriptions::{self, Subscription},
    table::Object,
    test_clocks::clock_of,
    world::{Request, World},
};

/// Of a subscription that runs, or of one that it is to begin.
pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let Some(id) = params.text("from_subscription")? else {
        return begin::create(world, &params);
    };
    let others = ["customer", "end_behavior", "phases", "start_date"];
    if let Some(other) = others.iter().find(|field| params.has(field)) {
        let message = format!("You cannot set `{other}` if `from_subscription` is set.");
        return Err(params.wrong(other, &message));
    }
    from_subscription(world, &params, id)
}

/// Its present period is the first phase.
fn from_subscription(world: &mut World, params: &Params<'_>, id: &str) -> Result<Value> {
    let subscription = world.subscriptions.get(id, "from_subscription")?.clone();
    if subscription.schedule.is_some() || subscription.status.is_ended() {
        let message = "You cannot migrate a subscription that is already attached to a schedule, \
                       or has ended.";
        return Err(params.wrong("from_subscription", message));
    }
    if subscription.is_mixed() {
        return Err(Error::not_simulated(
            "The simulator makes no schedules of subscriptions with different intervals.",
        )
        .param("from_subscription"));
    }
    let mut schedule = Schedule {
        id: world.ids.id("sub_sched_"),
        created: world.now,
        customer: subscription.customer.clone(),
        subscription: Some(subscription.id.clone()),
        released_subscription: None,
        status: Status::Active,
        phases: vec![present(&subscription)],
        current: 0,
        end_behavior: "release",
        canceled_at: None,
        completed_at: None,
        released_at: None,
        metadata: Metadata::new(),
    };
    params.merge_metadata(&mut schedule.metadata)?;
    let (id, end) = (schedule.id.clone(), schedule.phases[0].end);
    let shown = schedule.render(world);
    world.schedules.put(schedule);
    world.emit("subscription_schedule.created", &shown);
    let attached = id.clone();
    subscriptions::change(world, &subscription.id, |stored| stored.schedule = Some(attached));
    world.agenda.add(end, Due::PhaseEnd(id.clone()));
    begin::plan_warning(world, &id);
    Ok(shown)
}

fn present(subscription: &Subscription) -> Phase {
    let items = subscription.items.iter().map(|item| PhaseItem {
        price: item.price.clone(),
        quantity: item.quantity,
        metadata: item.metadata.clone(),
    });
    Phase {
        items: items.collect(),
        currency: subscription.currency.clone(),
        start: subscription.period_start,
        end: subscription.period_end,
        proration_behavior: "create_prorations",
        metadata: Metadata::new(),
        billing: PhaseBilling {
            discounts: subscription.discounts.iter().map(Redemption::keep).collect(),
            default_tax_rates: subscription.default_tax_rates.clone(),
            automatic_tax: subscription.automatic_tax.enabled,
            default_payment_method: subscription.default_payment_method.clone(),
        },
    }
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut schedule = open(world, &request.id, "updated")?;
    schedule.read(world, &params)?;
    params.merge_metadata(&mut schedule.metadata)?;
    for phase in &schedule.phases[schedule.current..] {
        world.agenda.add(phase.end, Due::PhaseEnd(request.id.clone()));
    }
    bill_now(world, &schedule);
    change(world, &request.id, |stored| *stored = schedule);
    begin::plan_warning(world, &request.id);
    retrieve(world, request)
}

/// The running phase bills at once as it says now.
fn bill_now(world: &mut World, schedule: &Schedule) {
    let running = schedule.phases.get(schedule.current);
    let subscription = schedule.subscription.as_ref().and_then(|id| world.subscriptions.find(id));
    if let (Some(phase), Some(mut billed)) = (running, subscription.cloned()) {
        super::bill(world, &mut billed, phase);
        let id = billed.id.clone();
        subscriptions::change(world, &id, |stored| *stored = billed);
    }
}

/// The subscription goes on by itself.
pub fn release(world: &mut World, request: &Request) -> Result<Value> {
    open(world, &request.id, "released")?;
    request.params().boolean("preserve_cancel_date")?;
    super::advance::release_now(world, &request.id);
    retrieve(world, request)
}

/// Ends the subscription too.
pub fn cancel(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let schedule = open(world, &request.id, "canceled")?;
    let prorates = params.boolean("prorate")?.unwrap_or(true);
    let invoices_now = params.boolean("invoice_now")?.unwrap_or(true);
    let now = world.now;
    world.schedules.change(&request.id, |stored| {
        stored.status = Status::Canceled;
        stored.canceled_at = Some(now);
    });
    if let Some(id) = &schedule.subscription
        && let Some(subscription) = world.subscriptions.find(id).cloned()
    {
        if prorates {
            for credit in subscriptions::credits_at_end(world, &subscription, now) {
                invoice_items::add(world, credit);
            }
        }
        subscriptions::end(world, id, Some("cancellation_requested"));
        if invoices_now {
            subscriptions::invoice_pending(world, id);
        }
    }
    announce(world, "subscription_schedule.canceled", &request.id);
    retrieve(world, request)
}

fn open(world: &World, id: &str, verb: &str) -> Result<Schedule> {
    let schedule = world.schedules.get(id, "schedule")?.clone();
    if schedule.status.is_open() {
        return Ok(schedule);
    }
    Err(Error::invalid(format!(
        "You cannot have a subscription schedule {verb} that is currently in the `{}` status.",
        schedule.status.word()
    )))
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.schedules.get(&request.id, "schedule")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params: Params<'_> = request.params();
    let customer = params.text("customer")?;
    lists::list::<Schedule>(world, request, |schedule| match customer {
        Some(customer) => schedule.customer == customer,
        None => clock_of(world, &schedule.customer).is_none(),
    })
}
