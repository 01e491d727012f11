//! Credit notes: what an invoice asked for too much, taken off it or given back.

mod draft;
mod lines;
mod operations;
mod render;

use serde_json::Value;

pub use operations::{create, lines, list, preview, preview_lines, retrieve, update, void};

use crate::{
    params::Metadata,
    table::{Object, Table},
    tax_rates::Tax,
    world::World,
};

#[derive(Clone)]
pub struct CreditNote {
    pub id: String,
    pub created: i64,
    pub effective_at: i64,
    /// `ABCDEFGH-0001-CN-01`.
    pub number: String,
    pub invoice: String,
    pub customer: String,
    pub currency: String,
    pub lines: Vec<CreditLine>,
    pub split: Split,
    /// The refund that was made for it and those that were there before, and how much of each counts.
    pub refunds: Vec<(String, i64)>,
    pub reason: Option<&'static str>,
    pub memo: Option<String>,
    pub metadata: Metadata,
    pub voided_at: Option<i64>,
}

/// Where the amount of a credit note goes; together it is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Off what the invoice still asks for.
    pub pre_payment: i64,
    /// Back to the card that paid, by a refund that is made for it.
    pub refund: i64,
    /// Back to the card by refunds that were there before.
    pub refunded: i64,
    /// To the customer's balance, for later invoices.
    pub credit: i64,
    /// Outside of Stripe.
    pub out_of_band: i64,
}

impl Split {
    /// What is given back of money that was paid already.
    pub fn post_payment(self) -> i64 {
        self.refund + self.refunded + self.credit + self.out_of_band
    }
}

#[derive(Clone)]
pub struct CreditLine {
    pub id: String,
    /// The line of the invoice that is credited; none for one of its own.
    pub invoice_line: Option<String>,
    pub description: Option<String>,
    /// Before discounts, and before tax that comes on top.
    pub amount: i64,
    pub quantity: Option<i64>,
    pub unit_amount: Option<i64>,
    /// Discounts and what each takes off.
    pub discounts: Vec<(String, i64)>,
    pub taxes: Vec<Tax>,
    /// The tax rates of a line of its own.
    pub tax_rates: Vec<String>,
    pub metadata: Metadata,
}

impl CreditLine {
    pub fn discount(&self) -> i64 {
        self.discounts.iter().map(|(_, amount)| amount).sum()
    }

    /// Tax within the amount (`inclusive`), or on top of it.
    pub fn tax(&self, inclusive: bool) -> i64 {
        let taxes = self.taxes.iter().filter(|tax| tax.inclusive == inclusive);
        taxes.map(|tax| tax.amount).sum()
    }

    /// What it credits, discounts and tax included.
    pub fn total(&self) -> i64 {
        self.amount - self.discount() + self.tax(false)
    }
}

impl CreditNote {
    /// What it credits, discounts and tax included.
    pub fn total(&self) -> i64 {
        self.lines.iter().map(CreditLine::total).sum()
    }

    fn is_void(&self) -> bool {
        self.voided_at.is_some()
    }
}

impl Object for CreditNote {
    const NOUN: &'static str = "credit note";

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
        &world.credit_notes
    }
}
