//! Quotes: an offer that becomes a subscription when it is accepted.

mod operations;
mod render;

use serde_json::Value;

pub use operations::{
    accept, cancel, create, expire_by_time, finalize, line_items, list, retrieve, update,
};
pub use render::line_items_of;

use crate::{
    params::Metadata,
    table::{Object, Table},
    world::World,
};

#[derive(Clone)]
pub struct Quote {
    pub id: String,
    pub created: i64,
    pub customer: Option<String>,
    pub lines: Vec<QuoteLine>,
    pub currency: String,
    pub status: Status,
    pub expires_at: i64,
    pub description: Option<String>,
    pub header: Option<String>,
    pub footer: Option<String>,
    /// Given when it is final: `QT-…`.
    pub number: Option<String>,
    pub metadata: Metadata,
    pub accepted_at: Option<i64>,
    pub canceled_at: Option<i64>,
    pub finalized_at: Option<i64>,
    pub subscription: Option<String>,
    pub invoice: Option<String>,
}

#[derive(Clone)]
pub struct QuoteLine {
    pub id: String,
    pub price: String,
    /// None for a metered price.
    pub quantity: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Draft,
    Open,
    Accepted,
    Canceled,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Canceled => "canceled",
        }
    }
}

impl QuoteLine {
    /// For one period, in minor units; what is metered comes later.
    pub fn amount(&self, world: &World) -> i64 {
        let price = world.prices.find(&self.price);
        price.zip(self.quantity).map_or(0, |(price, quantity)| price.amount(quantity))
    }
}

impl Object for Quote {
    const NOUN: &'static str = "quote";

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
        &world.quotes
    }
}
