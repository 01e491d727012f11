//! Subscriptions: what a customer pays for again and again.

mod cancel;
mod create;
mod render;
mod update;

use serde_json::Value;

pub use cancel::{cancel, cancel_all_of, end};
pub use create::{ItemDraft, SubscriptionDraft, check_items, create, open, trial_end};
pub use update::update;

use crate::{
    calendar::{self, Cadence},
    catalog::Price,
    error::Result,
    lists,
    params::Metadata,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct Subscription {
    pub id: String,
    pub created: i64,
    pub customer: String,
    pub currency: String,
    pub status: Status,
    pub items: Vec<Item>,
    /// Periods are counted from here: the start, or the end of the trial.
    pub anchor: i64,
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
    pub description: Option<String>,
    pub latest_invoice: Option<String>,
    pub metadata: Metadata,
}

#[derive(Clone)]
pub struct Item {
    pub id: String,
    pub created: i64,
    pub price: String,
    /// None for a metered price.
    pub quantity: Option<i64>,
    pub metadata: Metadata,
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
            Self::Canceled => "canceled",
        }
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

    /// The method charged: the subscription's own, or else its customer's.
    pub fn payment_method(&self, world: &World) -> Option<String> {
        let of_customer =
            || world.customers.find(&self.customer).and_then(|c| c.default_payment_method.clone());
        self.default_payment_method.clone().or_else(of_customer)
    }

    pub fn prices<'a>(&'a self, world: &'a World) -> impl Iterator<Item = (&'a Item, &'a Price)> {
        self.items.iter().filter_map(|item| Some((item, world.prices.find(&item.price)?)))
    }
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

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.subscriptions.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (customer, price) = (params.text("customer")?, params.text("price")?);
    let status = params.choice(
        "status",
        &[
            "active",
            "all",
            "canceled",
            "ended",
            "incomplete",
            "incomplete_expired",
            "past_due",
            "paused",
            "trialing",
            "unpaid",
        ],
    )?;
    lists::list::<Subscription>(world, request, |subscription| {
        let has_status = match status {
            None => subscription.status != Status::Canceled,
            Some("all") => true,
            Some("ended") => subscription.status.is_ended(),
            Some(status) => subscription.status.word() == status,
        };
        has_status
            && customer.is_none_or(|customer| subscription.customer == customer)
            && price.is_none_or(|price| subscription.items.iter().any(|item| item.price == price))
    })
}

/// `customer.subscriptions`, shown only on demand: those not ended.
pub fn of_customer(world: &World, customer: &str) -> Value {
    let theirs = |subscription: &&Subscription| {
        subscription.customer == customer && !subscription.status.is_ended()
    };
    let rows = world.subscriptions.rows().iter().rev().filter(theirs);
    let data = rows.map(|subscription| subscription.render(world)).collect();
    lists::whole(data, &format!("/v1/customers/{customer}/subscriptions"))
}
