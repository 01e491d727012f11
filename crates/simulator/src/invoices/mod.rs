//! Invoices: drafts, finalising, collecting, and the payments that settle them.

mod close;
mod collect;
mod credit;
mod draft;
mod finalize;
mod lines;
mod one_off;
mod operations;
mod payments;
mod preview;
mod render;
mod send;
mod upcoming;

use serde_json::Value;

pub use close::{stop_collecting, void_now};
pub use collect::{Collected, advance, after_attempt, collect, no_payment_method, pay_by_intent};
pub use credit::take_credit;
pub use draft::{Occasion, draft, draw, period_amounts};
pub use finalize::finalize_now;
pub use lines::{usage, usage_of_ended};
pub use one_off::{create, delete, draft_for, show_item, update};
pub use operations::{finalize, lines, list, mark_uncollectible, pay, retrieve, void};
pub use payments::{
    InvoicePayment, confirmation_secret, list_payments, paid_by, payments_of, retrieve_payment,
};
pub use preview::create_preview;
pub use send::{collect_or_send, fall_due, send};
pub use upcoming::{announce as announce_upcoming, plan as plan_upcoming};

use crate::{
    automatic_tax::AutomaticTax,
    catalog::amount::Decimal,
    discounts,
    params::Metadata,
    table::{Object, Table},
    tax_rates::{self, Tax},
    world::World,
};

/// A draft that was not asked for stays open to changes for an hour.
pub const DRAFT_SECONDS: i64 = 3600;

#[derive(Clone)]
pub struct Invoice {
    pub id: String,
    pub created: i64,
    pub customer: String,
    pub currency: String,
    /// Empty for an invoice of none.
    pub subscription: String,
    pub status: Status,
    pub billing_reason: &'static str,
    pub lines: Vec<Line>,
    pub period_start: i64,
    pub period_end: i64,
    /// None until finalised.
    pub number: Option<String>,
    pub payment_intent: Option<String>,
    pub auto_advance: bool,
    /// It is sent, and to be paid so many days after it was finalised; none where a card is charged.
    pub days_until_due: Option<i64>,
    pub due_date: Option<i64>,
    /// What was paid outside of Stripe.
    pub paid_off_stripe: i64,
    pub attempt_count: usize,
    /// When it is finalised (as a draft) or charged (again) by itself.
    pub next_step_at: Option<i64>,
    /// The customer's balance before and after it; credit is below zero.
    pub starting_balance: i64,
    pub ending_balance: Option<i64>,
    /// What credit notes took off before it was paid, and gave back after.
    pub pre_payment_credit: i64,
    pub post_payment_credit: i64,
    pub tax_rates: Vec<String>,
    pub automatic_tax: AutomaticTax,
    /// Of a preview: the moment its prorations are counted from.
    pub proration_date: Option<i64>,
    pub finalized_at: Option<i64>,
    pub paid_at: Option<i64>,
    pub marked_uncollectible_at: Option<i64>,
    pub voided_at: Option<i64>,
    /// The subscription's, as it was when this was finalised.
    pub subscription_metadata: Metadata,
    pub default_payment_method: Option<String>,
    pub description: Option<String>,
    pub footer: Option<String>,
    pub metadata: Metadata,
    pub deleted: bool,
}

#[derive(Clone)]
pub struct Line {
    pub id: String,
    pub subscription_item: Option<String>,
    /// The amount that waited for it.
    pub invoice_item: Option<String>,
    pub proration: bool,
    pub discountable: bool,
    pub price: Option<String>,
    pub product: Option<String>,
    pub unit_amount_decimal: Option<String>,
    pub description: String,
    pub amount: i64,
    pub quantity: Decimal,
    /// Start and end.
    pub period: (i64, i64),
    /// Discounts and what each takes off.
    pub discounts: Vec<(String, i64)>,
    /// Its own, instead of the invoice's.
    pub tax_rates: Vec<String>,
    pub taxes: Vec<Tax>,
}

impl Line {
    /// After discounts, before tax that comes on top.
    pub fn net(&self) -> i64 {
        self.amount - self.discounts.iter().map(|(_, amount)| amount).sum::<i64>()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Uncollectible => "uncollectible",
            Self::Void => "void",
        }
    }
}

impl Invoice {
    /// A draft of a customer's over nothing yet, and of no subscription.
    pub fn blank(customer: &str, currency: &str, at: i64) -> Self {
        Self {
            id: String::new(),
            created: at,
            customer: customer.to_owned(),
            currency: currency.to_owned(),
            subscription: String::new(),
            status: Status::Draft,
            billing_reason: "manual",
            lines: Vec::new(),
            period_start: at,
            period_end: at,
            number: None,
            payment_intent: None,
            auto_advance: false,
            days_until_due: None,
            due_date: None,
            paid_off_stripe: 0,
            attempt_count: 0,
            next_step_at: None,
            starting_balance: 0,
            ending_balance: None,
            pre_payment_credit: 0,
            post_payment_credit: 0,
            tax_rates: Vec::new(),
            automatic_tax: AutomaticTax::default(),
            proration_date: None,
            finalized_at: None,
            paid_at: None,
            marked_uncollectible_at: None,
            voided_at: None,
            subscription_metadata: Metadata::new(),
            default_payment_method: None,
            description: None,
            footer: None,
            metadata: Metadata::new(),
            deleted: false,
        }
    }

    /// The method it is charged to: its own, its subscription's, or its customer's.
    pub fn payment_method(&self, world: &World) -> Option<String> {
        let of_customer = || world.customers.find(&self.customer)?.payment_method();
        let of_subscription = || match world.subscriptions.find(&self.subscription) {
            Some(subscription) => subscription.payment_method(world),
            None => of_customer(),
        };
        self.default_payment_method.clone().or_else(of_subscription)
    }

    /// Before discounts, in minor units.
    pub fn subtotal(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    pub fn total(&self) -> i64 {
        self.net() + self.tax(false)
    }

    /// After discounts, before tax that comes on top.
    pub fn net(&self) -> i64 {
        self.lines.iter().map(Line::net).sum()
    }

    /// Tax within the amounts (`inclusive`), or on top of them.
    pub fn tax(&self, inclusive: bool) -> i64 {
        let taxes = self.lines.iter().flat_map(|line| &line.taxes);
        taxes.filter(|tax| tax.inclusive == inclusive).map(|tax| tax.amount).sum()
    }

    /// The tax of each rate, over all lines.
    pub fn taxes(&self) -> Vec<Tax> {
        tax_rates::sum(self.lines.iter().flat_map(|line| &line.taxes))
    }

    /// Each discount that took something off, and how much.
    pub fn discounts(&self) -> Vec<(String, i64)> {
        discounts::sum(self.lines.iter().flat_map(|line| &line.discounts))
    }

    /// What is asked of the customer once their balance is applied and credit notes are taken off;
    /// credit that is left over stays theirs.
    pub fn amount_due(&self) -> i64 {
        (self.total() + self.starting_balance).max(0) - self.pre_payment_credit
    }

    /// What is still to be paid.
    pub fn amount_remaining(&self) -> i64 {
        match self.status {
            Status::Paid | Status::Void => 0,
            Status::Draft | Status::Open | Status::Uncollectible => self.amount_due(),
        }
    }

    /// What credit notes took off it and gave back.
    pub fn credited(&self) -> i64 {
        self.pre_payment_credit + self.post_payment_credit
    }

    /// Sent to be paid by hand, instead of charged.
    pub fn is_sent(&self) -> bool {
        self.days_until_due.is_some()
    }

    /// What is not kept is shown with ids all the same.
    pub fn name_as_preview(&mut self, world: &mut World) {
        self.id = world.ids.id("upcoming_in_");
        for line in &mut self.lines {
            line.id = world.ids.id("il_tmp_");
        }
    }

    pub fn is_paid(&self) -> bool {
        self.status == Status::Paid
    }
}

impl Object for Invoice {
    const NOUN: &'static str = "invoice";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn is_deleted(&self) -> bool {
        self.deleted
    }

    fn render(&self, world: &World) -> Value {
        render::render(self, world)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.invoices
    }
}

/// Changes an invoice; `invoice.updated` is for callers whose change Stripe tells of.
fn change(world: &mut World, id: &str, change: impl FnOnce(&mut Invoice)) {
    world.invoices.change(id, change);
}

fn announce(world: &mut World, kind: &'static str, id: &str) {
    if let Some(shown) = world.invoices.find(id).map(|invoice| invoice.render(world)) {
        world.emit(kind, &shown);
    }
}
