//! Subscription schedules: changes that wait for their day.

mod advance;
mod begin;
mod operations;
mod outlook;
mod phases;
mod render;

use serde_json::Value;

pub use advance::{advance, begin_next, bill, drop_with_subscription, due_phase, enter};
pub use begin::{start, warn_of_expiry};
pub use operations::{cancel, create, list, release, retrieve, update};
pub use outlook::{Next, look_ahead};
pub use phases::read_new;

use crate::{
    discounts::Redemption,
    error::Result,
    params::{Metadata, Params},
    table::{Object, Table},
    world::World,
};

#[derive(Clone)]
pub struct Schedule {
    pub id: String,
    pub created: i64,
    pub customer: String,
    pub subscription: Option<String>,
    pub released_subscription: Option<String>,
    pub status: Status,
    pub phases: Vec<Phase>,
    /// Which phase runs.
    pub current: usize,
    /// What comes after the last phase: `release` or `cancel`.
    pub end_behavior: &'static str,
    pub canceled_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub released_at: Option<i64>,
    pub metadata: Metadata,
}

impl Schedule {
    /// Takes over what a request says of its phases and its end, at the moment `world.now`.
    pub fn read(&mut self, world: &World, params: &Params<'_>) -> Result<()> {
        params.choice("proration_behavior", &["always_invoice", "create_prorations", "none"])?;
        if let Some(behavior) = params.choice("end_behavior", &["cancel", "release"])? {
            self.end_behavior = behavior;
        }
        if params.has("phases") {
            self.phases = phases::read(world, params, self)?;
            let is_running = |phase: &Phase| (phase.start..phase.end).contains(&world.now);
            self.current = self.phases.iter().position(is_running).unwrap_or_default();
        }
        Ok(())
    }
}

#[derive(Clone)]
pub struct Phase {
    pub items: Vec<PhaseItem>,
    pub currency: String,
    pub start: i64,
    pub end: i64,
    pub proration_behavior: &'static str,
    pub metadata: Metadata,
    pub billing: PhaseBilling,
}

/// How a phase is billed. What a request leaves out is unset when the phase runs.
#[derive(Clone, Default)]
pub struct PhaseBilling {
    pub discounts: Vec<Redemption>,
    pub default_tax_rates: Vec<String>,
    pub automatic_tax: bool,
    /// None leaves it to the customer's default.
    pub default_payment_method: Option<String>,
}

#[derive(Clone)]
pub struct PhaseItem {
    pub price: String,
    /// None for a metered price.
    pub quantity: Option<i64>,
    pub metadata: Metadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    NotStarted,
    Active,
    Completed,
    Released,
    Canceled,
}

impl Status {
    /// Whether anything is still to come of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::NotStarted | Self::Active)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Released => "released",
            Self::Canceled => "canceled",
        }
    }
}

impl Object for Schedule {
    const NOUN: &'static str = "subscription schedule";

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
        &world.schedules
    }
}

/// Changes a schedule and says so, if anything is different then.
fn change(world: &mut World, id: &str, change: impl FnOnce(&mut Schedule)) {
    let Some(mut schedule) = world.schedules.find(id).cloned() else { return };
    let before = schedule.render(world);
    change(&mut schedule);
    let after = schedule.render(world);
    world.schedules.put(schedule);
    world.emit_update("subscription_schedule.updated", &before, &after);
}

fn announce(world: &mut World, kind: &'static str, id: &str) {
    if let Some(shown) = world.schedules.find(id).map(|schedule| schedule.render(world)) {
        world.emit(kind, &shown);
    }
}
