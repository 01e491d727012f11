//! A pretend Stripe: stateful, seeded, on its own clock, with a Checkout page a person clicks.
//!
//! Real clients believe it, at API version `2026-10-28.endive`. It shares no rule with the rest of
//! Tollhouse: what both compute is computed twice, and tests compare the two.
//!
//! What it does is one table, in `operations.rs`. Every other call Stripe documents answers 501 and a
//! sentence, and so does every parameter of a known call that it does not read.
//!
//! # What it does not do
//!
//! - **Checkout**: mode `setup`; discounts and invoices of mode `payment`; addresses beyond the country, trials that need no
//!   card. A trial with a card makes no setup intent; a 3-D Secure dialogue that fails makes no
//!   failed payment intent.
//! - **Subscriptions**: an anchor together with a trial, thresholds, discounts of single items.
//!   Different intervals in one only from its beginning, each a whole number of the shortest; no
//!   schedules and no `cancel_at_period_end` of these. Retries are four (days 1, 3, 5, 7), and what
//!   comes after them is set by the control. `classic` billing mode. Whether another interval keeps
//!   the anchor is taken from Stripe's comparison of billing modes; the new item's period begins at
//!   the change, and is billed whole.
//! - **Schedules** do not begin in the past, and their running phase sells what it sold;
//!   phases have items, dates and proration, no discounts, trials or metadata of the subscription.
//! - **Invoices**: `add_lines`, `update_lines`, `remove_lines`, minimum charges; automatic tax and
//!   discounts of one-off invoices, and discounts of what is added to a draft. Finalising a renewal waits
//!   an hour, never for webhooks. Previews show the next invoice of a subscription or schedule, or the
//!   first of a new one, not more of them. A deleted draft lets its items wait again.
//! - **Discounts** are of whole subscriptions; no minimum amounts or customers' discounts.
//! - **Usage** counts as soon as it is reported, and what is reported after the end of a period is not
//!   added to its draft. A report that names no meter, no customer or no number becomes an event at once,
//!   each for itself; Stripe gathers them. Usage at a price that goes is billed by an invoice item; a
//!   subscription that is canceled at once bills it only with `invoice_now`.
//! - **Money back**: a credit note by `amount` says nothing of tax. The later `refund.updated` of a
//!   refund that succeeds at once is not sent. Disputes are decided as soon as evidence is submitted,
//!   inquiries never turn into disputes. Fees are those of cards in the United States.
//! - **The account's money**: payouts, top-ups and transfers move the balance, and are never refused by a
//!   bank. `balance.available` is told only of a card whose money is there at once. Connected accounts
//!   are names: nobody is verified, and no call is made in their name. A customer's cash balance is kept,
//!   and pays nothing.
//! - **Quotes** are of recurring prices, charged automatically, without discounts, taxes or trials.
//!   **Payment links** sell at prices that exist. **Plans** have no tiers.
//! - **Entitlements** are those of subscriptions that are trialing, active or past due.
//! - **Search** finds at once what Stripe finds up to a minute later.
//! - **Portal**: pausing, quantities, promotion codes, changes of the customer, login pages; the
//!   confirming flows. A card typed there counts as authenticated.
//! - **Tax** is always rounded line by line, and of several inclusive rates each is worked out by
//!   itself. Automatic tax knows countries, and only the rates that `POST /_sim/tax` set; no
//!   exemptions, tax ids, tax codes or places within a country.
//! - **Version 2**: usage and the events about it, which are not sent anywhere: ask for them at
//!   `/v2/core/events`.
//! - **Test clocks** take new customers only, and move before the next call is answered.
//! - **Webhooks**: events are rendered in one version. `invoice.overdue` and `invoice.will_be_due`,
//!   which only automations send, never come. `stripe listen` hears snapshot events only.
//! - Payment methods other than cards, and sources other than tokens of cards; rate limits, unless
//!   ordered. Whoever names no version of the API, as Stripe's command line, may send parameters that
//!   Stripe does not know, and they do nothing.

// An invoice is one `json!` of some seventy keys.
#![recursion_limit = "256"]

mod automatic_tax;
mod balance_transactions;
mod calendar;
mod cards;
mod catalog;
mod checkout;
mod clock;
mod control;
mod credit_notes;
mod customers;
mod deliveries;
mod delivering;
mod discounts;
mod disputes;
mod entitlements;
mod error;
mod events;
mod expand;
mod faults;
mod funds;
mod gateway;
mod http;
mod idempotency;
mod ids;
mod invoice_items;
mod invoices;
mod listen;
mod lists;
mod money;
mod objects;
mod operations;
mod pages;
mod params;
mod payment_links;
mod payment_methods;
mod payments;
mod portal;
mod quotes;
mod reference;
mod refunds;
mod renewals;
mod schedules;
mod search;
mod settings;
mod setup_intents;
mod subscriptions;
mod table;
mod tax_rates;
mod test_clocks;
mod thin_events;
mod usage;
mod webhook_endpoints;
mod world;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use serde_json::Value;
use tokio::sync::Notify;

pub use deliveries::Outgoing;
pub use faults::{DeliveryFault, DeliveryFaultKind, Fault, FaultKind, Trouble};
pub use gateway::SimGateway;
use listen::Sockets;
pub use reference::reference;
pub use settings::{AfterRetries, SettingsChange};
use world::World;

/// So many worlds are kept at once.
const SAVED_MAX: usize = 16;

/// Unix seconds; the door through which real time enters.
pub type WallClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Moves what a [`WallClock`] shows, by seconds.
pub type MoveWallClock = Box<dyn Fn(i64) + Send + Sync>;

/// How a simulator begins.
#[derive(Clone)]
pub struct Options {
    /// The same seed and the same requests give the same ids.
    pub seed: u64,
    /// One key it accepts; any other `sk_test_…` or `rk_test_…` opens the same world.
    pub secret_key: String,
    /// Where its pages are reachable; no slash at the end.
    pub base_url: String,
    pub wall_clock: WallClock,
}

/// One pretend Stripe account. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wall_clock: WallClock,
    /// Where the wall clock is one that can be moved.
    move_wall_clock: OnceLock<MoveWallClock>,
    seed: u64,
    /// Something happened; there may be deliveries.
    stirred: Notify,
    /// Those of `stripe listen`.
    sockets: Mutex<Sockets>,
}

struct State {
    world: World,
    /// How far the simulator's clock is ahead of the wall's; shrinks only where a world is loaded.
    offset: i64,
    /// Worlds as they were, by name.
    saved: BTreeMap<String, World>,
}

impl Simulator {
    pub fn new(options: Options) -> Self {
        let now = (options.wall_clock)();
        let world = World::new(options.seed, options.secret_key, options.base_url, now);
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State { world, offset: 0, saved: BTreeMap::new() }),
                wall_clock: options.wall_clock,
                move_wall_clock: OnceLock::new(),
                seed: options.seed,
                stirred: Notify::new(),
                sockets: Mutex::default(),
            }),
        }
    }

    /// The API at Stripe's own paths, the pages under `/c/pay` and `/p/session`, and the control under `/_sim`.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
            .merge(pages::router(self.clone()))
            .merge(control::router(self.clone()))
            .merge(listen::router(self.clone()))
    }

    /// The same world without sockets.
    pub fn gateway(&self) -> SimGateway {
        SimGateway::new(self.clone())
    }

    /// For a server that learns its port only when it listens.
    pub fn set_base_url(&self, url: String) {
        self.with(|world| world.base_url = url);
    }

    /// Unix seconds on the simulator's clock.
    pub fn now(&self) -> i64 {
        self.with(|world| world.now)
    }

    /// From now on its clock is moved by moving the wall clock: whoever shares that one moves with it.
    pub fn move_with_wall_clock(&self, move_wall_clock: MoveWallClock) {
        // Only the first is heard.
        let _ = self.shared.move_wall_clock.set(move_wall_clock);
    }

    /// Moves its clock forward, doing on the way what falls due. Time does not go back: a negative
    /// number does nothing.
    pub fn advance(&self, seconds: i64) {
        let seconds = seconds.max(0);
        if let Some(move_wall_clock) = self.shared.move_wall_clock.get() {
            move_wall_clock(seconds);
        } else {
            let mut state = self.lock();
            state.offset = state.offset.saturating_add(seconds);
        }
        self.with(|_| ());
    }

    /// How many deliveries no endpoint has acknowledged yet.
    pub fn unsettled_deliveries(&self) -> usize {
        self.quietly(|world| world.deliveries.unsettled())
    }

    /// Unix seconds at which time will do something next, unless somebody else does before.
    pub fn next_due(&self) -> Option<i64> {
        self.quietly(|world| world.agenda.next())
    }

    /// What is to be sent to webhook endpoints now; each is handed out once, until it is answered.
    pub fn due_deliveries(&self) -> Vec<Outgoing> {
        let wall_clock = (self.shared.wall_clock)();
        self.quietly(|world| world.due_deliveries(wall_clock))
    }

    /// `status` is `None` where nobody answered.
    pub fn delivery_answered(&self, id: &str, status: Option<u16>) {
        self.quietly(|world| world.delivery_answered(id, status));
    }

    /// Does what the Checkout page does with a card that needs no dialogue, or whose dialogue was passed.
    ///
    /// # Errors
    /// Stripe's error body; the session then stays as it was.
    pub fn complete_checkout(&self, session_id: &str, payment_method: &str) -> Result<(), Value> {
        self.with(|world| pages::pay_with(world, session_id, payment_method))
            .map_err(|error| error.body())
    }

    /// Answers the 3-D Secure dialogue of a payment or setup intent that has the status
    /// `requires_action`, as its owner would on the page that `next_action` names.
    ///
    /// # Errors
    /// Stripe's error body: the intent waits for nothing, the card is declined, or `passed` is false.
    pub fn authenticate(&self, intent: &str, passed: bool) -> Result<(), Value> {
        self.with(|world| pages::authenticate(world, intent, passed)).map_err(|error| error.body())
    }

    /// Orders trouble for the next calls.
    pub fn add_fault(&self, fault: Fault) {
        self.with(|world| world.faults.add(fault));
    }

    /// Orders trouble for the next deliveries.
    pub fn add_delivery_fault(&self, fault: DeliveryFault) {
        self.with(|world| world.faults.add_delivery(fault));
    }

    /// Orders trouble at random, by a seed, until `percent` is 0.
    pub fn add_trouble(&self, trouble: Trouble) {
        self.with(|world| world.faults.add_trouble(trouble));
    }

    /// Sets what automatic tax takes in a country (two letters), in percent; `None` is nothing. Prices
    /// that do not say whether tax is within them follow `inclusive`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the country or the percentage.
    pub fn set_tax(
        &self,
        country: &str,
        percentage: Option<&str>,
        inclusive: bool,
    ) -> Result<(), String> {
        self.with(|world| automatic_tax::set(world, country, percentage, inclusive))
    }

    /// Changes what an account's owner sets on Stripe's dashboard.
    ///
    /// # Errors
    /// A sentence that says what is wrong; nothing is changed then.
    pub fn change_settings(&self, change: &SettingsChange) -> Result<(), String> {
        self.with(|world| world.settings.change(change))
    }

    /// Looks inside: all objects of a kind (`subscription`, `checkout.session`, `event` …), oldest first.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        self.with(|world| world.objects(kind))
    }

    /// Starts over: an empty world with the same seed, at the wall clock's time.
    pub fn reset(&self) {
        let mut state = self.lock();
        let now = (self.shared.wall_clock)();
        let world = &state.world;
        let (secret_key, base_url) = (world.secret_key.clone(), world.base_url.clone());
        state.world = World::new(self.shared.seed, secret_key, base_url, now);
        state.offset = 0;
    }

    /// Keeps the world as it is now under a name, beside others and until the process ends.
    ///
    /// # Errors
    /// A sentence: there are sixteen already.
    pub fn save(&self, name: &str) -> Result<(), String> {
        self.quietly(|_| ());
        let mut state = self.lock();
        if state.saved.len() >= SAVED_MAX && !state.saved.contains_key(name) {
            return Err(format!(
                "At most {SAVED_MAX} worlds are kept. Save under a name that has one."
            ));
        }
        let world = state.world.clone();
        state.saved.insert(name.to_owned(), world);
        Ok(())
    }

    /// Goes back to a saved world, and to the moment it was saved at. It stays saved.
    ///
    /// # Errors
    /// A sentence: no world has this name.
    pub fn load(&self, name: &str) -> Result<(), String> {
        let mut state = self.lock();
        let Some(world) = state.saved.get(name).cloned() else {
            return Err(format!("No world was saved as `{name}`."));
        };
        state.offset = world.now - (self.shared.wall_clock)();
        state.world = world;
        Ok(())
    }

    /// Brings the world up to now, does `work` in it, and wakes the deliverer.
    fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        let done = self.quietly(work);
        self.shared.stirred.notify_one();
        done
    }

    fn quietly<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        let mut state = self.lock();
        let now = (self.shared.wall_clock)() + state.offset;
        state.world.run_until(now);
        work(&mut state.world)
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.shared.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
