//! Invoices: what was asked and what was paid.

use serde::Deserialize;

use super::{DiscountAmount, InvoiceLine, InvoicePayment, List, Ref, Tax};
use crate::{
    id::{CustomerId, InvoiceId, SubscriptionId},
    open_enum::open_enum,
};

open_enum! {
    /// From draft to paid, void or uncollectible.
    InvoiceStatus {
        Draft = "draft",
        Open = "open",
        Paid = "paid",
        Uncollectible = "uncollectible",
        Void = "void",
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Invoice {
    pub id: InvoiceId,
    #[serde(default)]
    pub customer: Option<Ref<CustomerId>>,
    #[serde(default)]
    pub status: Option<InvoiceStatus>,
    /// None until finalized.
    #[serde(default)]
    pub number: Option<String>,
    pub currency: String,
    /// Amounts are minor units.
    pub amount_due: i64,
    pub amount_paid: i64,
    pub amount_remaining: i64,
    /// Before discounts of the invoice and tax on top.
    pub subtotal: i64,
    /// After both.
    pub total: i64,
    #[serde(default)]
    total_discount_amounts: Option<Vec<DiscountAmount>>,
    #[serde(default)]
    total_taxes: Option<Vec<Tax>>,
    /// The customer's balance before and after it was finalized; credit is below zero.
    #[serde(default)]
    starting_balance: i64,
    #[serde(default)]
    ending_balance: Option<i64>,
    #[serde(default)]
    pub billing_reason: Option<String>,
    /// The first few; see `has_more`.
    pub lines: List<InvoiceLine>,
    /// The first few, newest first, where Stripe was asked for them; see `has_more`.
    #[serde(default)]
    pub payments: Option<List<InvoicePayment>>,
    /// How often a charge was tried.
    #[serde(default)]
    pub attempt_count: i64,
    /// Times are unix seconds.
    pub created: i64,
    pub period_start: i64,
    pub period_end: i64,
    #[serde(default)]
    pub status_transitions: StatusTransitions,
    #[serde(default)]
    pub due_date: Option<i64>,
    #[serde(default)]
    pub next_payment_attempt: Option<i64>,
    #[serde(default)]
    pub hosted_invoice_url: Option<String>,
    #[serde(default)]
    pub invoice_pdf: Option<String>,
    #[serde(default)]
    parent: Option<Parent>,
}

/// When it got where it is, in unix seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct StatusTransitions {
    pub finalized_at: Option<i64>,
    pub paid_at: Option<i64>,
    pub voided_at: Option<i64>,
    pub marked_uncollectible_at: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Parent {
    #[serde(default)]
    subscription_details: Option<SubscriptionDetails>,
}

#[derive(Clone, Debug, Deserialize)]
struct SubscriptionDetails {
    #[serde(default)]
    subscription: Option<Ref<SubscriptionId>>,
}

impl Invoice {
    /// What each discount takes off, in minor units.
    pub fn discounts(&self) -> impl Iterator<Item = i64> {
        self.total_discount_amounts.iter().flatten().map(|discount| discount.amount)
    }

    /// Every tax on it.
    pub fn taxes(&self) -> &[Tax] {
        self.total_taxes.as_deref().unwrap_or_default()
    }

    /// What was taken from the customer's balance when it was finalized; below zero where it was added.
    pub fn balance_applied(&self) -> i64 {
        self.ending_balance.map_or(0, |ending| ending.saturating_sub(self.starting_balance))
    }

    /// The subscription it bills, if any.
    pub fn subscription(&self) -> Option<&SubscriptionId> {
        let details = self.parent.as_ref()?.subscription_details.as_ref()?;
        details.subscription.as_ref().map(|subscription| &subscription.0)
    }
}
