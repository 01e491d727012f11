//! Checkout sessions, from open to complete or expired.

mod complete;
mod create;
mod once;
mod operations;
mod render;

use serde_json::Value;

pub use complete::{Submission, complete};
pub use create::{check, create};
pub use once::PaymentData;
pub use operations::{
    confirm_page, expire, expire_by_time, line_items, list, redeem_code, retrieve, retrieve_page,
    set_country,
};
pub use render::line_items_of;

use crate::{
    automatic_tax, customers,
    discounts::{self, Redemption},
    params::Metadata,
    subscriptions::{self, Anchor, Billing, ItemDraft, SubscriptionDraft},
    table::{Object, Table},
    tax_rates::{self, Tax},
    world::World,
};

const DAY: i64 = 86_400;

#[derive(Clone)]
pub struct Session {
    pub id: String,
    pub created: i64,
    pub mode: Mode,
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
    /// From where the subscription's periods are counted.
    pub anchor: Option<Anchor>,
    /// Whether the part before the anchor is paid for.
    pub prorates: bool,
    pub subscription_description: Option<String>,
    /// What was redeemed, by the request or on the page.
    pub discount: Option<Redemption>,
    /// The page takes promotion codes.
    pub allow_promotion_codes: bool,
    pub billing: Billing,
    pub subscription_metadata: Metadata,
    pub default_tax_rates: Vec<String>,
    pub automatic_tax: bool,
    pub customer_update: CustomerUpdate,
    /// Where the payer lives, as they said on the page.
    pub country: Option<String>,
    /// The tax on each line, as it was when it was paid.
    pub taxes: Option<Vec<Vec<Tax>>>,
    /// How a single payment is made.
    pub payment: PaymentData,
    pub payment_intent: Option<String>,
    pub payment_link: Option<String>,
    pub subscription: Option<String>,
    pub invoice: Option<String>,
    /// Who paid, as they typed it.
    pub payer_email: Option<String>,
    pub payer_name: Option<String>,
    /// The method that waits for its 3-D Secure dialogue.
    pub authenticating: Option<String>,
}

/// Which answers of the payer become those of a customer that is known (`customer_update`).
#[derive(Clone, Copy, Default)]
pub struct CustomerUpdate {
    pub address: bool,
    pub name: bool,
}

#[derive(Clone)]
pub struct SessionLine {
    pub id: String,
    pub price: String,
    /// None for a metered price.
    pub quantity: Option<i64>,
    pub tax_rates: Vec<String>,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A single payment.
    Payment,
    Subscription,
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
        let taxes = self.taxes(world);
        let on_top = taxes.iter().flatten().filter(|tax| !tax.inclusive).map(|tax| tax.amount);
        self.subtotal(world) - self.discount(world) + on_top.sum::<i64>()
    }

    /// What the discount takes off.
    pub fn discount(&self, world: &World) -> i64 {
        self.discount_amounts(world).iter().sum()
    }

    /// The tax on each line: as it was paid, or as it would be now.
    pub fn taxes(&self, world: &World) -> Vec<Vec<Tax>> {
        if let Some(taxes) = &self.taxes {
            return taxes.clone();
        }
        let lines = self.lines.iter().zip(self.discount_amounts(world));
        let taxes = lines.map(|(line, discount)| {
            let net = self.line_amount(line, world) - discount;
            if self.automatic_tax {
                let country = self.country(world);
                automatic_tax::taxes(world, country.as_deref(), Some(&line.price), net)
            } else {
                let own = Some(&line.tax_rates).filter(|rates| !rates.is_empty());
                tax_rates::taxes(world, own.unwrap_or(&self.default_tax_rates), net)
            }
        });
        taxes.collect()
    }

    /// Where the payer lives: as they said, or as is known of the customer.
    pub fn country(&self, world: &World) -> Option<String> {
        let known = || customers::country(world, self.customer.as_deref()?).map(str::to_owned);
        self.country.clone().or_else(known)
    }

    /// Whether the page asks where the payer lives.
    pub fn asks_for_country(&self) -> bool {
        self.automatic_tax && (self.customer.is_none() || self.customer_update.address)
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
        let is_free = self.trial != Trial::None || (self.anchor.is_some() && !self.prorates);
        let price = world.prices.find(&line.price).filter(|_| !is_free);
        let whole = price.zip(line.quantity).map_or(0, |(price, quantity)| price.amount(quantity));
        match self.first_part(line, world) {
            Some((part, seconds)) => subscriptions::share(whole, part, seconds),
            None => whole,
        }
    }

    /// The seconds of a line's first period and of a whole one, where the first may be only a part.
    fn first_part(&self, line: &SessionLine, world: &World) -> Option<(i64, i64)> {
        self.anchor?;
        let begun = subscriptions::preview(world, self.draft(world, String::new())).ok()?;
        let place = self.lines.iter().position(|found| found.id == line.id)?;
        let item = begun.items.get(place)?;
        let ((start, end), whole) = (begun.item_period(item), begun.whole_item_period(item));
        Some((end - start, whole.1 - whole.0))
    }

    /// The subscription that completing it makes.
    pub fn draft(&self, world: &World, customer: String) -> SubscriptionDraft {
        let items = self.lines.iter().map(|line| ItemDraft {
            price: line.price.clone(),
            quantity: line.quantity,
            intervals: 1,
            tax_rates: line.tax_rates.clone(),
            metadata: Metadata::new(),
        });
        SubscriptionDraft {
            trial_end: match self.trial {
                Trial::None => None,
                Trial::Days(days) => Some(world.now + days * DAY),
                Trial::Until(end) => Some(end),
            },
            anchor: self.anchor,
            prorates: self.prorates,
            billing: self.billing.clone(),
            default_tax_rates: self.default_tax_rates.clone(),
            automatic_tax: self.automatic_tax,
            description: self.subscription_description.clone(),
            metadata: self.subscription_metadata.clone(),
            ..SubscriptionDraft::of_items(
                &customer,
                items.collect(),
                self.discount.clone().into_iter().collect(),
            )
        }
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
