//! Checkout sessions, from open to complete or expired.

mod complete;
mod create;
mod operations;
mod render;

use serde_json::Value;

pub use complete::{Submission, complete};
pub use create::create;
pub use operations::{
    confirm_page, expire, expire_by_time, line_items, list, redeem_code, retrieve, retrieve_page,
};
pub use render::line_items_of;

use crate::{
    discounts::{self, Redemption},
    params::Metadata,
    subscriptions::Billing,
    table::{Object, Table},
    world::World,
};

#[derive(Clone)]
pub struct Session {
    pub id: String,
    pub created: i64,
    pub expires_at: i64,
    pub status: Status,
    pub success_url: String,
    pub cancel_url: Option<String>,
    pub client_reference_id: Option<String>,
    pub customer: Option<String>,
    pub customer_email: Option<String>,
    pub locale: Option<String>,
    pub metadata: Metadata,
    pub lines: Vec<SessionLine>,
    pub currency: String,
    pub trial: Trial,
    pub subscription_description: Option<String>,
    /// What was redeemed, by the request or on the page.
    pub discount: Option<Redemption>,
    /// The page takes promotion codes.
    pub allow_promotion_codes: bool,
    pub billing: Billing,
    pub subscription_metadata: Metadata,
    pub subscription: Option<String>,
    pub invoice: Option<String>,
    /// Who paid, as they typed it.
    pub payer_email: Option<String>,
    pub payer_name: Option<String>,
    /// The method that waits for its 3-D Secure dialogue.
    pub authenticating: Option<String>,
}

#[derive(Clone)]
pub struct SessionLine {
    pub id: String,
    pub price: String,
    /// None for a metered price.
    pub quantity: Option<i64>,
}

/// What the subscription begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    None,
    /// Counted from completion.
    Days(i64),
    Until(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Open,
    Complete,
    Expired,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

impl Session {
    /// What is due today, in minor units: nothing for a trial, and nothing yet for metered prices.
    pub fn amount(&self, world: &World) -> i64 {
        self.subtotal(world) - self.discount_amounts(world).iter().sum::<i64>()
    }

    /// Before a discount.
    pub fn subtotal(&self, world: &World) -> i64 {
        self.lines.iter().map(|line| self.line_amount(line, world)).sum()
    }

    /// What the discount takes off each line.
    pub fn discount_amounts(&self, world: &World) -> Vec<i64> {
        let id = self.discount.as_ref().map(|found| &found.coupon);
        let coupon = id.and_then(|id| world.coupons.find(id));
        let counts = |line: &SessionLine| {
            let product = world.prices.find(&line.price).map(|price| &price.product);
            coupon.is_none_or(|coupon| coupon.is_for(product))
        };
        let amount = |line| if counts(line) { self.line_amount(line, world) } else { 0 };
        let amounts: Vec<i64> = self.lines.iter().map(amount).collect();
        discounts::taken_off(world, id, &amounts)
    }

    pub fn line_amount(&self, line: &SessionLine, world: &World) -> i64 {
        let price = world.prices.find(&line.price).filter(|_| self.trial == Trial::None);
        price.zip(line.quantity).map_or(0, |(price, quantity)| price.amount(quantity))
    }

    /// Known before anybody types it.
    pub fn email(&self, world: &World) -> Option<String> {
        let customer = self.customer.as_ref().and_then(|id| world.customers.find(id));
        self.customer_email.clone().or_else(|| customer.and_then(|customer| customer.email.clone()))
    }
}

impl Object for Session {
    const NOUN: &'static str = "checkout.session";

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
        &world.sessions
    }
}
