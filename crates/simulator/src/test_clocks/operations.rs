//! What the API does with test clocks, and what moving one does.

use serde_json::Value;

use super::TestClock;
use crate::{
    calendar,
    clock::{Agenda, Due},
    customers,
    error::{Error, Result},
    lists,
    subscriptions::Subscription,
    table::Object,
    world::{Request, World},
};

const DAY: i64 = 86_400;
/// A clock is deleted by itself after thirty days.
const KEPT_SECONDS: i64 = 30 * DAY;
/// How far it can be moved at once where there is no subscription: two years.
const ADVANCE_MAX: i64 = 2 * 366 * DAY;
const CUSTOMERS_MAX: usize = 3;
const SUBSCRIPTIONS_MAX: usize = 3;

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let frozen_time = params.integer("frozen_time")?;
    let clock = TestClock {
        id: world.ids.id("clock_"),
        created: world.now,
        name: params.text("name")?.map(str::to_owned),
        frozen_time: frozen_time.ok_or_else(|| params.empty("frozen_time"))?,
        target: None,
        deletes_after: world.now + KEPT_SECONDS,
        deleted: false,
        agenda: Agenda::default(),
    };
    world.agenda.add(clock.deletes_after, Due::ClockDeletion(clock.id.clone()));
    let shown = clock.render(world);
    world.test_clocks.put(clock);
    world.emit("test_helpers.test_clock.created", &shown);
    Ok(shown)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.test_clocks.get(&request.id, "test_clock")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    lists::list::<TestClock>(world, request, |_| true)
}

/// Answers at once; the clock moves before anything else happens.
pub fn advance(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let clock = world.test_clocks.get(&request.id, "test_clock")?.clone();
    if clock.target.is_some() {
        return Err(Error::invalid(
            "This test clock is advancing. Wait until its status is `ready`.",
        ));
    }
    let target = params.integer("frozen_time")?.ok_or_else(|| params.empty("frozen_time"))?;
    let latest = latest_target(world, &clock);
    if target <= clock.frozen_time || target > latest {
        let message = format!(
            "A test clock moves forward only, and at most two intervals of its shortest \
             subscription, or two years without one: until {latest}."
        );
        return Err(params.wrong("frozen_time", &message));
    }
    world.test_clocks.change(&clock.id, |clock| clock.target = Some(target));
    let shown = world.test_clocks.get(&clock.id, "test_clock")?.render(world);
    world.emit("test_helpers.test_clock.advancing", &shown);
    world.agenda.add(world.now, Due::ClockAdvance(clock.id));
    Ok(shown)
}

fn latest_target(world: &World, clock: &TestClock) -> i64 {
    let customers = customers_on(world, &clock.id);
    let runs =
        |found: &&Subscription| !found.status.is_ended() && customers.contains(&found.customer);
    let running = world.subscriptions.rows().iter().filter(runs);
    let latest =
        running.map(|found| calendar::period_start(clock.frozen_time, found.cadence, 2)).min();
    latest.unwrap_or(clock.frozen_time + ADVANCE_MAX)
}

fn customers_on(world: &World, clock: &str) -> Vec<String> {
    let lives_by = |customer: &&customers::Customer| {
        !customer.deleted && customer.test_clock.as_deref() == Some(clock)
    };
    world.customers.rows().iter().filter(lives_by).map(|found| found.id.clone()).collect()
}

/// Moves the clock to where it is to go, doing on the way what falls due for its customers.
pub fn run(world: &mut World, id: &str) {
    let clock = world.test_clocks.find(id).filter(|clock| !clock.deleted);
    let Some(target) = clock.and_then(|clock| clock.target) else { return };
    world.on_clock(Some(id), |world| world.run_until(target));
    world.test_clocks.change(id, |clock| clock.target = None);
    announce(world, "test_helpers.test_clock.ready", id);
}

fn announce(world: &mut World, kind: &'static str, id: &str) {
    if let Some(shown) = world.test_clocks.find(id).map(|clock| clock.render(world)) {
        world.emit(kind, &shown);
    }
}

pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    world.test_clocks.get(&request.id, "test_clock")?;
    delete_now(world, &request.id);
    Ok(serde_json::json!({
        "id": request.id, "object": "test_helpers.test_clock", "deleted": true,
    }))
}

pub fn delete_by_time(world: &mut World, id: &str) {
    if world.test_clocks.find(id).is_some_and(|clock| !clock.deleted) {
        delete_now(world, id);
    }
}

/// Its customers go with it, and their subscriptions.
fn delete_now(world: &mut World, id: &str) {
    world.on_clock(Some(id), |world| {
        for customer in customers_on(world, id) {
            customers::delete_now(world, &customer);
        }
    });
    announce(world, "test_helpers.test_clock.deleted", id);
    world.test_clocks.change(id, |clock| clock.deleted = true);
}

/// # Errors
/// The clock is unknown or has its three customers.
pub fn check_customer(world: &World, clock: &str) -> Result<()> {
    world.test_clocks.get(clock, "test_clock")?;
    if customers_on(world, clock).len() < CUSTOMERS_MAX {
        return Ok(());
    }
    let message = format!("A test clock can have at most {CUSTOMERS_MAX} customers.");
    Err(Error::invalid(message).param("test_clock"))
}

/// # Errors
/// The customer lives by a clock and has three subscriptions.
pub fn check_subscription(world: &World, customer: &str) -> Result<()> {
    if super::clock_of(world, customer).is_none() {
        return Ok(());
    }
    let runs = |found: &&Subscription| found.customer == customer && !found.status.is_ended();
    if world.subscriptions.rows().iter().filter(runs).count() < SUBSCRIPTIONS_MAX {
        return Ok(());
    }
    let message =
        format!("A customer on a test clock can have at most {SUBSCRIPTIONS_MAX} subscriptions.");
    Err(Error::invalid(message).code("customer_max_subscriptions").param("customer"))
}
