//! Subscriptions: what a customer pays for again and again.

mod anchor;
mod billing;
mod cancel;
mod create;
mod draft;
pub mod items;
mod operations;
mod pause;
mod payable;
mod pending;
mod plan;
mod proration;
mod render;
mod trial;
mod update;

use serde_json::Value;

pub use anchor::{Anchor, read as read_anchor};
pub use billing::Billing;
pub use cancel::{cancel, cancel_all_of, end};
pub use create::{create, open, preview, trial_and_anchor};
pub use draft::{
    End, ItemDraft, SubscriptionDraft, check_for_sale, check_items, read_preview, read_prorates,
    trial_end,
};
pub use operations::{list, of_customer, retrieve};
pub use pause::{
    PausedCollection, enter_pause, expire_resumption, invoice_pending, pause, resume,
    resume_collection, resumed_by_payment,
};
pub use pending::{
    PendingUpdate, apply as apply_pending, expire as expire_pending, forget as forget_pending,
};
pub use plan::{Plan, settled_usage};
pub use proration::{Debit, Proration, credits_at_end, prorate, share};
pub use trial::TrialChange;
pub use update::{perform, update};

use crate::{
    automatic_tax::AutomaticTax,
    calendar::{self, Cadence},
    catalog::Price,
    clock::Due,
    customers::Customer,
    discounts::Discount,
    invoices::{self, Line},
    params::Metadata,
    table::{Object, Table},
    world::World,
};

/// `trial_will_end` is told three days before.
pub const TRIAL_WARNING_SECONDS: i64 = 3 * 86_400;

#[derive(Clone)]
pub struct Subscription {
    pub id: String,
    pub created: i64,
    pub customer: String,
    pub currency: String,
    pub status: Status,
    pub items: Vec<Item>,
    /// Periods are counted from here: the start, the end of the trial, or when the interval changed.
    pub anchor: i64,
    /// The anchor as shown; another interval does not move it (Stripe docs: flexible billing mode).
    pub billing_cycle_anchor: i64,
    /// The shortest of the items'.
    pub cadence: Cadence,
    /// Which period runs, counted from the anchor; none during a trial.
    pub cycle: Option<i64>,
    pub period_start: i64,
    pub period_end: i64,
    /// Start and end.
    pub trial: Option<(i64, i64)>,
    pub cancel_at: Option<i64>,
    pub cancel_at_period_end: bool,
    pub canceled_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub cancellation: Cancellation,
    pub default_payment_method: Option<String>,
    pub billing: Billing,
    /// Asks for a card while nothing is to be paid yet.
    pub pending_setup_intent: Option<String>,
    pub description: Option<String>,
    pub latest_invoice: Option<String>,
    pub metadata: Metadata,
    pub discounts: Vec<Discount>,
    pub default_tax_rates: Vec<String>,
    pub automatic_tax: AutomaticTax,
    pub pause_collection: Option<PausedCollection>,
    /// The schedule that manages it.
    pub schedule: Option<String>,
    /// A change that waits for its invoice.
    pub pending_update: Option<PendingUpdate>,
    /// The end of the period whose next invoice was told of.
    pub upcoming_told: Option<i64>,
}

#[derive(Clone)]
pub struct Item {
    pub id: String,
    pub created: i64,
    pub price: String,
    /// None for a metered price.
    pub quantity: Option<i64>,
    /// How many of the subscription's intervals make one of its own.
    pub intervals: i64,
    pub metadata: Metadata,
    /// Its own, instead of the subscription's.
    pub tax_rates: Vec<String>,
    /// Since when usage counts that is not billed yet; means nothing for a licensed price.
    pub unbilled_from: i64,
    /// What it was debited with; none during a trial, and for metered prices.
    pub debit: Option<Debit>,
}

impl Item {
    /// Whether both cost the same.
    pub fn sells_same(&self, other: &Item) -> bool {
        self.price == other.price && self.quantity == other.quantity
    }
}

/// Why a subscription was or will be canceled.
#[derive(Clone, Default)]
pub struct Cancellation {
    pub reason: Option<&'static str>,
    pub comment: Option<String>,
    pub feedback: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Incomplete,
    IncompleteExpired,
    Trialing,
    Active,
    PastDue,
    /// Retries are over, and new invoices stay drafts until the latest one is paid.
    Unpaid,
    Paused,
    Canceled,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
        }
    }

    /// Whether changes cost something.
    pub fn is_billed(self) -> bool {
        matches!(self, Self::Active | Self::PastDue | Self::Unpaid)
    }

    pub fn is_ended(self) -> bool {
        matches!(self, Self::IncompleteExpired | Self::Canceled)
    }
}

impl Object for Subscription {
    const NOUN: &'static str = "subscription";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, world: &World) -> Value {
        render::render(self, world)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.subscriptions
    }
}

impl Subscription {
    /// Moves on to the period numbered `cycle`. A planned end cuts it short.
    pub fn begin_period(&mut self, cycle: i64) {
        self.cycle = Some(cycle);
        self.period_start = calendar::period_start(self.anchor, self.cadence, cycle);
        self.period_end = self.whole_period_end();
        if let Some(end) = self.cancel_at.filter(|end| *end > self.period_start) {
            self.period_end = self.period_end.min(end);
        }
    }

    /// When the running period would end if nothing cut it short.
    pub fn whole_period_end(&self) -> i64 {
        match self.cycle {
            Some(cycle) => calendar::period_start(self.anchor, self.cadence, cycle + 1),
            None => self.trial.map_or(self.period_end, |(_, end)| end),
        }
    }

    /// Nothing was used before it.
    pub fn is_in_first_period(&self) -> bool {
        self.period_start == self.created
    }

    /// Whether items are billed at different intervals.
    pub fn is_mixed(&self) -> bool {
        self.items.iter().any(|item| item.intervals > 1)
    }

    /// Whether a period of this item begins with the running period. All do with the first, even where
    /// that begins inside of a period of the calendar.
    pub fn begins(&self, item: &Item) -> bool {
        self.is_in_first_period()
            || self.cycle.is_none_or(|cycle| cycle.rem_euclid(item.intervals) == 0)
    }

    /// The period that runs for an item. A planned end cuts it short, and so does the beginning of the
    /// subscription.
    pub fn item_period(&self, item: &Item) -> (i64, i64) {
        let (start, end) = self.whole_item_period(item);
        let start = start.max(self.created);
        (start, self.cancel_at.filter(|moment| *moment > start).map_or(end, |at| end.min(at)))
    }

    /// The same if nothing cut it short.
    pub fn whole_item_period(&self, item: &Item) -> (i64, i64) {
        let Some(cycle) = self.cycle else { return (self.period_start, self.whole_period_end()) };
        let first = cycle - cycle.rem_euclid(item.intervals);
        let begin = |cycle| calendar::period_start(self.anchor, self.cadence, cycle);
        (begin(first), begin(first + item.intervals))
    }

    /// Takes over what the lines of a period's invoice debit the items with. An item whose own period
    /// goes on keeps its debit.
    pub fn remember_debits(&mut self, lines: &[Line]) {
        let in_trial = self.cycle.is_none();
        for item in &mut self.items {
            let is_own = |line: &&Line| {
                !line.proration && line.subscription_item.as_deref() == Some(&item.id)
            };
            let line = lines.iter().find(is_own);
            let is_billed = !in_trial && item.quantity.is_some();
            if is_billed && line.is_none() {
                continue;
            }
            item.debit = line.filter(|_| is_billed).map(|line| Debit {
                amount: line.net(),
                start: line.period.0,
                end: line.period.1,
                price: item.price.clone(),
                quantity: line.quantity.floor(),
            });
        }
    }

    /// Takes over until when the usage of metered items is billed.
    pub fn remember_usage(&mut self, lines: &[Line]) {
        for item in &mut self.items {
            let is_own = |line: &&Line| line.subscription_item.as_ref() == Some(&item.id);
            if let Some(line) = lines.iter().find(is_own) {
                item.unbilled_from = item.unbilled_from.max(line.period.1);
            }
        }
    }

    /// The method charged: the subscription's own, or else its customer's.
    pub fn payment_method(&self, world: &World) -> Option<String> {
        let of_customer =
            || world.customers.find(&self.customer).and_then(Customer::payment_method);
        self.default_payment_method.clone().or_else(of_customer)
    }

    pub fn prices<'a>(&'a self, world: &'a World) -> impl Iterator<Item = (&'a Item, &'a Price)> {
        self.items.iter().filter_map(|item| Some((item, world.prices.find(&item.price)?)))
    }
}

/// Puts the end of the running period on the agenda, and what is told before it.
pub fn plan_period(world: &mut World, subscription: &Subscription) {
    world.agenda.add(subscription.period_end, Due::PeriodEnd(subscription.id.clone()));
    invoices::plan_upcoming(world, subscription);
}

/// Changes a subscription and says so, if anything is different then.
pub fn change(world: &mut World, id: &str, change: impl FnOnce(&mut Subscription)) {
    let Some(mut subscription) = world.subscriptions.find(id).cloned() else { return };
    let before = subscription.render(world);
    change(&mut subscription);
    let after = subscription.render(world);
    world.subscriptions.put(subscription);
    world.emit_update("customer.subscription.updated", &before, &after);
}

fn announce_change(world: &mut World, id: &str, before: &Value) {
    if let Some(after) = world.subscriptions.find(id).map(|stored| stored.render(world)) {
        world.emit_update("customer.subscription.updated", before, &after);
    }
}

/// The card that has paid becomes the subscription's own, where that was asked for.
pub fn keep_method(world: &mut World, id: &str, method: &str) {
    if world.subscriptions.find(id).is_some_and(|subscription| subscription.billing.keeps_method) {
        change(world, id, |stored| stored.default_payment_method = Some(method.to_owned()));
    }
}

/// A setup intent went through: a subscription that waited for it has its card.
pub fn setup_succeeded(world: &mut World, intent: &str, method: &str) {
    let waits = |stored: &&Subscription| stored.pending_setup_intent.as_deref() == Some(intent);
    let Some(id) = world.subscriptions.rows().iter().find(waits).map(|s| s.id.clone()) else {
        return;
    };
    change(world, &id, |stored| {
        stored.pending_setup_intent = None;
        stored.default_payment_method = Some(method.to_owned());
    });
}

/// A detached method is nobody's default any more.
pub fn forget_payment_method(world: &mut World, customer: &str, method: &str) {
    let has_it = |stored: &&Subscription| {
        stored.customer == customer && stored.default_payment_method.as_deref() == Some(method)
    };
    let rows = world.subscriptions.rows().iter().filter(has_it);
    let ids: Vec<String> = rows.map(|subscription| subscription.id.clone()).collect();
    for id in ids {
        change(world, &id, |stored| stored.default_payment_method = None);
    }
}
